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
  %8 = load i64, ptr %7, align 8, !invariant.load !0
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %11 = call i64 @llvm.usub.sat.i64(i64 %10, i64 1)
  %12 = call i64 @llvm.usub.sat.i64(i64 %10, i64 0)
  br label %13

13:                                               ; preds = %5
  %14 = icmp ult i64 12, %11
  %15 = and i1 true, %14
  br i1 %15, label %packet, label %no_packet

packet:                                           ; preds = %13
  %16 = inttoptr i64 %8 to ptr
  %17 = getelementptr i8, ptr %16, i64 12
  %18 = load i16, ptr %17, align 1
  %19 = call i16 @llvm.bswap.i16(i16 %18)
  %20 = zext i16 %19 to i64
  %21 = trunc i64 %20 to i32
  %22 = add i32 %21, 3
  %23 = sext i32 %22 to i64
  %24 = icmp sge i64 %23, 0
  %25 = icmp ult i64 %23, %12
  %26 = and i1 %24, %25
  br i1 %26, label %packet1, label %no_packet2

no_packet:                                        ; preds = %13
  %27 = insertvalue { i64, i64 } { i64 0, i64 poison }, i64 %1, 1
  ret { i64, i64 } %27

packet1:                                          ; preds = %packet
  %28 = inttoptr i64 %8 to ptr
  %29 = getelementptr i8, ptr %28, i64 %23
  %30 = load i8, ptr %29, align 1
  %31 = zext i8 %30 to i64
  %32 = insertvalue { i64, i64 } poison, i64 %31, 0
  %33 = insertvalue { i64, i64 } %32, i64 %1, 1
  ret { i64, i64 } %33

no_packet2:                                       ; preds = %packet
  %34 = insertvalue { i64, i64 } { i64 0, i64 poison }, i64 %1, 1
  ret { i64, i64 } %34

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

!0 = !{}
