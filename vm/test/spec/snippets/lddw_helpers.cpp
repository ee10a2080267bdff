struct lddw_helpers {
    int (*map_by_fd)(uint32_t fd);      // FD to map address
    int (*map_by_idx)(uint32_t idx);    // Index to map address
    int (*map_val)(uint64_t map_ptr);   // Map to value address
    int (*var_addr)(uint32_t idx);      // Variable address lookup
    int (*code_addr)(uint32_t idx);     // Code address lookup
};
