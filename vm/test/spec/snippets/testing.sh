# Run conformance tests
./build/vm/test/test_conformance

# Run specific backend tests
./build/vm/llvm-jit/test/test_llvm_jit

# Run benchmark tests
./build/vm/benchmark/vm_benchmark
