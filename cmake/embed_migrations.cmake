# cmake -DSOURCE=migrations -DOUTPUT=file.cpp -P embed_migrations.cmake
#
# Writes the files of migrations/SET/ as string literals, in the order of their names.
file(GLOB files RELATIVE ${SOURCE} ${SOURCE}/*/*.sql ${SOURCE}/*/fingerprint.tsv)
list(SORT files)
set(entries "")
set(count 0)
foreach(file IN LISTS files)
  get_filename_component(set ${file} DIRECTORY)
  get_filename_component(name ${file} NAME)
  file(READ ${SOURCE}/${file} content)
  string(APPEND entries "    {\"${set}\", \"${name}\", R\"wrktalk_sql(${content})wrktalk_sql\"},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made by embed_migrations.cmake.
#include \"core/migrate/embedded.hpp\"

namespace wrktalk::migrate {
namespace {
constexpr EmbeddedFile kFiles[] = {
${entries}};
}  // namespace
const EmbeddedFile* const embedded_begin = kFiles;
const EmbeddedFile* const embedded_end = kFiles + ${count};
}  // namespace wrktalk::migrate
")
