make release-with-llvm-jit
