# bpftime-vm: writes a file of bitcode as C; see bpftime_vm_add_helper_library()
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# cmake -DNAME=<name> -DBITCODE=<file> -DSOURCE=<file to write> -P BpftimeVmEmbedBitcode.cmake

file(READ "${BITCODE}" bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(
    WRITE "${SOURCE}"
    "#include \"${NAME}_bitcode.h\"\n"
    "const unsigned char ${NAME}_bitcode[] = {\n${bytes}};\n"
    "const unsigned long ${NAME}_bitcode_size = sizeof ${NAME}_bitcode;\n"
)
