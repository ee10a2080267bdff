# Set environment variables
export BPFTIME_LOG_LEVEL=DEBUG
export LLVM_JIT_DUMP_IR=1  # Dump LLVM IR

# Run with debug symbols
cmake -DCMAKE_BUILD_TYPE=Debug ..
