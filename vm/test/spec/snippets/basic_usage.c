#include <ebpf-vm.h>

// eBPF program that returns packet length
uint8_t code[] = {
    0xb7, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // r0 = 0
    0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // exit
};

int main() {
    struct ebpf_vm *vm = ebpf_create("llvm");
    char *errmsg;
    
    if (ebpf_load(vm, code, sizeof(code), &errmsg) < 0) {
        fprintf(stderr, "Load failed: %s\n", errmsg);
        free(errmsg);
        return 1;
    }
    
    // JIT compile
    ebpf_jit_fn fn = ebpf_compile(vm, &errmsg);
    if (!fn) {
        fprintf(stderr, "Compile failed: %s\n", errmsg);
        free(errmsg);
        return 1;
    }
    
    // Execute
    uint8_t packet[64] = {0};
    int64_t result = fn(packet, sizeof(packet));
    printf("Result: %ld\n", result);
    
    ebpf_destroy(vm);
    return 0;
}
