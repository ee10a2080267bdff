__attribute__((constructor))
static void register_my_vm() {
    register_vm_factory("myvm", []() {
        return std::make_unique<my_vm>();
    });
}
