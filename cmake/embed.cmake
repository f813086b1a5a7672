# Writes a C++ file that holds the files below ROOT as text, in order of their names:
#   cmake -DROOT=folder -DOUT=file.cc -DNAME=embedded_contracts -P embed.cmake
# A reader declares `struct EmbeddedFile` as src/contract/embedded.h does.
file(GLOB_RECURSE files LIST_DIRECTORIES false RELATIVE ${ROOT} ${ROOT}/*)
list(SORT files)
set(out "#include \"contract/embedded.h\"\n\nnamespace parley::contract {\n\nstatic const EmbeddedFile files[] = {\n")
foreach(file ${files})
  file(READ ${ROOT}/${file} text)
  string(APPEND out "    {\"${file}\", R\"~~~(${text})~~~\"},\n")
endforeach()
string(APPEND out "};\n\nconst std::span<const EmbeddedFile> ${NAME}(files);\n\n}  // namespace parley::contract\n")
file(WRITE ${OUT} "${out}")
