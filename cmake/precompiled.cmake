# parley_precompiled(NAME HEADERS… [LINKS library…]) and parley_use_precompiled(TARGET NAME): the standard and third-party headers that most
# files include, parsed once a build tree and not once a file (docs/decisions/033-precompiled-headers.md). Our own headers are not among
# them, so that touching one rebuilds only its users. Every file still includes what it uses: tools/tidy.py compiles without.
#
# Not target_precompile_headers(): it precompiles a header that it writes to the build folder, and clang stores that file's absolute path.
# From a file of the C library that holds next to nothing, with the headers as flags, every tree with the same flags gets the same bytes, which
# is what ccache hashes. (/dev/null would do for clang; ccache's direct mode wants regular files.)
option(PARLEY_PRECOMPILE "Precompile headers" ON)
find_file(PARLEY_NEARLY_EMPTY stdc-predef.h REQUIRED)

function(parley_precompiled name)
  cmake_parse_arguments(arg "" "" "HEADERS;LINKS" ${ARGN})
  if(PARLEY_PRECOMPILE)
    add_library(${name} OBJECT ${PARLEY_NEARLY_EMPTY})
    set_source_files_properties(${PARLEY_NEARLY_EMPTY} PROPERTIES LANGUAGE CXX)
    list(TRANSFORM arg_HEADERS PREPEND "SHELL:-include ")
    target_compile_options(${name} PRIVATE -x c++-header -fpch-instantiate-templates "SHELL:-Xclang -fno-pch-timestamp" ${arg_HEADERS})
    target_link_libraries(${name} PRIVATE ${arg_LINKS})
    add_custom_target(${name}_built DEPENDS $<TARGET_OBJECTS:${name}>)  # a target's files wait for custom targets, not for others' objects
  endif()
endfunction()

function(parley_use_precompiled target name)
  if(PARLEY_PRECOMPILE)
    add_dependencies(${target} ${name}_built)
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include-pch $<TARGET_OBJECTS:${name}>>")
  endif()
endfunction()
