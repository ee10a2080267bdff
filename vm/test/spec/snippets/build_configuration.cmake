add_library(bpftime-vm-myvm STATIC
    myvm/my_vm.cpp
)
target_link_libraries(bpftime-vm-myvm
    bpftime::vm::compat
)
