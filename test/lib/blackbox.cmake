# parley_blackbox(NAME name SCRIPT run.py [ARGS …] [TIMEOUT seconds] [PROCESSORS n] [WAITS])
# Registers ctest `blackbox.NAME`: `python3 SCRIPT --parley BINARY --cache FOLDER ARGS…` in the calling folder. What a suite installs goes
# to the cache, which all build trees of a checkout share. WAITS: it sleeps most of its time, so that more of its kind run at once.
find_program(PARLEY_PYTHON python3 REQUIRED)

function(parley_blackbox)
  cmake_parse_arguments(arg "WAITS" "NAME;SCRIPT;TIMEOUT;PROCESSORS" "ARGS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(NOT arg_PROCESSORS)
    set(arg_PROCESSORS 1)
  endif()
  set(labels blackbox)
  if(arg_WAITS)
    list(APPEND labels waits)
  endif()
  add_test(NAME blackbox.${arg_NAME}
           COMMAND ${PARLEY_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/${arg_SCRIPT} --parley $<TARGET_FILE:parley>
                   --cache ${CMAKE_SOURCE_DIR}/build/cache ${arg_ARGS}
           WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(blackbox.${arg_NAME} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${labels}" PROCESSORS ${arg_PROCESSORS}
                       ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:quarantine_size_mb=8")
endfunction()
