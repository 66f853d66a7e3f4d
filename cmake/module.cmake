# wrktalk_module(NAME [USES module...] [LINKS library...])
#
# One folder of core/ = one static library wrktalk_NAME (alias wrktalk::NAME) made of its *.cpp.
# scripts/check-layers holds the table of who may use whom.
function(wrktalk_module name)
  cmake_parse_arguments(arg "" "" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(wrktalk_${name} STATIC ${sources})
  add_library(wrktalk::${name} ALIAS wrktalk_${name})
  set_property(GLOBAL APPEND PROPERTY WRKTALK_MODULES wrktalk::${name})
  list(TRANSFORM arg_USES PREPEND wrktalk::)
  target_link_libraries(wrktalk_${name} PUBLIC ${arg_USES} ${arg_LINKS} PRIVATE wrktalk_options)
endfunction()

# wrktalk_sql(NAME)
#
# The statements in core/NAME/sql/*.sql as constants of "core/NAME/sql.hpp", namespace wrktalk::NAME::sql.
function(wrktalk_sql name)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/sql)
  set(header ${CMAKE_BINARY_DIR}/sql/core/${name}/sql.hpp)
  file(GLOB files CONFIGURE_DEPENDS ${source}/*.sql)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DMODULE=${name} -DSOURCE=${source} -DOUTPUT=${header} -P ${CMAKE_SOURCE_DIR}/cmake/embed_sql.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed_sql.cmake
    COMMENT "Embedding core/${name}/sql/" VERBATIM)
  target_sources(wrktalk_${name} PRIVATE ${header})
  target_include_directories(wrktalk_${name} PRIVATE ${CMAKE_BINARY_DIR}/sql)
endfunction()

# wrktalk_test(NAME LABEL [USES module...])
#
# tests/.../NAME_test.cpp files of the calling folder, one executable, its cases registered one by one.
function(wrktalk_test name label)
  cmake_parse_arguments(arg "" "" "USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  add_executable(${name}_test ${sources})
  list(TRANSFORM arg_USES PREPEND wrktalk::)
  target_link_libraries(${name}_test PRIVATE ${arg_USES} wrktalk_test_support wrktalk_options)
  doctest_discover_tests(${name}_test
    TEST_PREFIX "${name}: "
    PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT 120
      ENVIRONMENT "WRKTALK=$<TARGET_FILE:wrktalk>")
endfunction()
