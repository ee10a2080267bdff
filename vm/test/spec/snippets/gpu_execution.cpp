// Get PTX code for GPU execution
auto ptx_code = vm->do_get_ptx();
if (ptx_code.has_value()) {
    // Use PTX code with CUDA runtime
}
