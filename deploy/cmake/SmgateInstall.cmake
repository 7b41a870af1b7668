# `cmake --install` and `cpack`: two components, one for the coordinator's host, one for hosts with a GPU. The units
# name programs in /usr/bin: the prefix is /usr.
include(GNUInstallDirs)

function(smgate_install component)
  cmake_parse_arguments(arg "" "" "PROGRAMS;EXAMPLES" ${ARGN})
  set(name smgate-${component})
  install(TARGETS ${arg_PROGRAMS} DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
  install(FILES deploy/systemd/${name}.service DESTINATION lib/systemd/system COMPONENT ${component})
  install(FILES deploy/sysusers/${name}.conf DESTINATION lib/sysusers.d COMPONENT ${component})
  install(FILES README.md LICENSE ${arg_EXAMPLES} DESTINATION share/doc/${name} COMPONENT ${component})
endfunction()

smgate_install(server PROGRAMS smgate-server EXAMPLES deploy/server.example.jsonc schemas/openapi.yaml)
install(DIRECTORY deploy/github-app DESTINATION share/doc/smgate-server COMPONENT server)
smgate_install(runner PROGRAMS smgate-runner smgate-smoke EXAMPLES deploy/runner.example.jsonc)
# What a gated program includes or copies: the headers that need no library of ours.
set(headers runner/workload/include/smgate)
install(FILES ${headers}/coverage.hpp ${headers}/events.hpp ${headers}/events_text.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/smgate COMPONENT runner)
install(FILES runner/workload/python/smgate_events.py DESTINATION share/smgate COMPONENT runner)
install(FILES schemas/event.schema.json schemas/gate_file.schema.json schemas/report.schema.json
  DESTINATION share/smgate/schemas COMPONENT runner)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME smgate)
set(CPACK_PACKAGE_CONTACT "the smgate maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "CI gate for GPU code that must run on more than one architecture")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL server runner)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_SERVER_PACKAGE_NAME smgate-server)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS "git, ca-certificates")
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/deploy/debian/postinst)
set(CPACK_DEBIAN_RUNNER_PACKAGE_NAME smgate-runner)
set(CPACK_DEBIAN_RUNNER_PACKAGE_DEPENDS "git, ca-certificates, bubblewrap")
set(CPACK_DEBIAN_RUNNER_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/deploy/debian/postinst)
include(CPack)
