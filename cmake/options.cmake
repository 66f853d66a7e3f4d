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
if(WRKTALK_CRASH_POINTS)
  target_compile_definitions(wrktalk_options INTERFACE WRKTALK_CRASH_POINTS)
endif()
if(WRKTALK_SANITIZE)
  target_compile_options(wrktalk_options INTERFACE -fsanitize=${WRKTALK_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(wrktalk_options INTERFACE -fsanitize=${WRKTALK_SANITIZE})
endif()
