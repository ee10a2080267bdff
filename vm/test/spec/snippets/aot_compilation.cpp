// Generate AOT compiled bytecode
std::vector<uint8_t> aot_bytecode = vm->do_aot_compile();

// Save to file for deployment
std::ofstream out("program.o", std::ios::binary);
out.write((char*)aot_bytecode.data(), aot_bytecode.size());
