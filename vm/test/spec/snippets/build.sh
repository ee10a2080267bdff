make build-llvm # build llvm backend
make build-ubpf # build ubpf backend
