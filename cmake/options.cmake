# What every target of ours is compiled with; linked PRIVATE, never set globally.
add_library(wrktalk_options INTERFACE)
target_include_directories(wrktalk_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(wrktalk_options INTERFACE WRKTALK_VERSION="${PROJECT_VERSION}")
target_compile_options(wrktalk_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wconversion
  $<$<BOOL:${WRKTALK_WERROR}>:-Werror>
  $<$<CONFIG:Debug>:-Og>
  $<$<CONFIG:Release>:-ffunction-sections -fdata-sections>)
target_link_options(wrktalk_options INTERFACE
  $<$<CONFIG:Release>:-Wl,--gc-sections -Wl,--as-needed -s>)
# What is shipped is hardened, whatever the compiler's defaults are; tests/suites/hardening.bash looks at the program.
set(wrktalk_is_program $<AND:$<CONFIG:Release>,$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>>)
set(wrktalk_is_part $<AND:$<CONFIG:Release>,$<NOT:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,MODULE_LIBRARY>>>)
target_compile_options(wrktalk_options INTERFACE
  $<$<CONFIG:Release>:-fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>
  $<${wrktalk_is_part}:-fPIE>)
target_link_options(wrktalk_options INTERFACE
  $<$<CONFIG:Release>:-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack> $<${wrktalk_is_program}:-pie>)
if(WRKTALK_CRASH_POINTS)
  target_compile_definitions(wrktalk_options INTERFACE WRKTALK_CRASH_POINTS)
endif()
if(WRKTALK_SANITIZE)
  target_compile_options(wrktalk_options INTERFACE -fsanitize=${WRKTALK_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(wrktalk_options INTERFACE -fsanitize=${WRKTALK_SANITIZE})
endif()
