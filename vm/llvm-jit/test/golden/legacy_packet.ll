@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #1

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i16 @llvm.bswap.i16(i16) #1

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #2 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %10 = call i64 @llvm.usub.sat.i64(i64 %4, i64 1)
  %11 = call i64 @llvm.usub.sat.i64(i64 %4, i64 0)
  br label %12

12:                                               ; preds = %5
  %13 = icmp ult i64 12, %10
  %14 = and i1 true, %13
  br i1 %14, label %packet, label %no_packet

packet:                                           ; preds = %12
  %15 = inttoptr i64 %8 to ptr
  %16 = getelementptr i8, ptr %15, i64 12
  %17 = load i16, ptr %16, align 1
  %18 = call i16 @llvm.bswap.i16(i16 %17)
  %19 = zext i16 %18 to i64
  %20 = trunc i64 %19 to i32
  %21 = add i32 %20, 3
  %22 = sext i32 %21 to i64
  %23 = icmp sge i64 %22, 0
  %24 = icmp ult i64 %22, %11
  %25 = and i1 %23, %24
  br i1 %25, label %packet1, label %no_packet2

no_packet:                                        ; preds = %12
  %26 = insertvalue { i64, i64 } { i64 0, i64 poison }, i64 %1, 1
  ret { i64, i64 } %26

packet1:                                          ; preds = %packet
  %27 = inttoptr i64 %8 to ptr
  %28 = getelementptr i8, ptr %27, i64 %22
  %29 = load i8, ptr %28, align 1
  %30 = zext i8 %29 to i64
  %31 = insertvalue { i64, i64 } poison, i64 %30, 0
  %32 = insertvalue { i64, i64 } %31, i64 %1, 1
  ret { i64, i64 } %32

no_packet2:                                       ; preds = %packet
  %33 = insertvalue { i64, i64 } { i64 0, i64 poison }, i64 %1, 1
  ret { i64, i64 } %33

end_run:                                          ; No predecessors!
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #2 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #3

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { mustprogress nounwind }
attributes #3 = { nonlazybind }
