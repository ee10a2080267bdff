@bpf_program = external global i8

; Function Attrs: mustprogress nounwind
define internal fastcc { i64, i64 } @f0(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, i64 %3, i64 %4, i64 %5, i64 %6, i64 %7) #0 {
  %9 = getelementptr inbounds i64, ptr %0, i64 0
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %11 = getelementptr inbounds i64, ptr %0, i64 1
  %12 = load i64, ptr %11, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %13 = call i64 @llvm.usub.sat.i64(i64 %12, i64 1)
  %14 = call i64 @llvm.usub.sat.i64(i64 %12, i64 0)
  br label %15

15:                                               ; preds = %8
  %16 = icmp ult i64 12, %13
  %17 = and i1 true, %16
  br i1 %17, label %packet, label %no_packet

packet:                                           ; preds = %15
  %18 = inttoptr i64 %10 to ptr
  %19 = getelementptr i8, ptr %18, i64 12
  %20 = load i16, ptr %19, align 1
  %21 = call i16 @llvm.bswap.i16(i16 %20)
  %22 = zext i16 %21 to i64
  %23 = trunc i64 %22 to i32
  %24 = add i32 %23, 3
  %25 = sext i32 %24 to i64
  %26 = icmp sge i64 %25, 0
  %27 = icmp ult i64 %25, %14
  %28 = and i1 %26, %27
  br i1 %28, label %packet1, label %no_packet2

no_packet:                                        ; preds = %15
  %29 = insertvalue { i64, i64 } { i64 0, i64 poison }, i64 %1, 1
  ret { i64, i64 } %29

packet1:                                          ; preds = %packet
  %30 = inttoptr i64 %10 to ptr
  %31 = getelementptr i8, ptr %30, i64 %25
  %32 = load i8, ptr %31, align 1
  %33 = zext i8 %32 to i64
  %34 = insertvalue { i64, i64 } poison, i64 %33, 0
  %35 = insertvalue { i64, i64 } %34, i64 %1, 1
  ret { i64, i64 } %35

no_packet2:                                       ; preds = %packet
  %36 = insertvalue { i64, i64 } { i64 0, i64 poison }, i64 %1, 1
  ret { i64, i64 } %36

end_run:                                          ; No predecessors!
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #2

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i16 @llvm.bswap.i16(i16) #2

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = call fastcc { i64, i64 } @f0(ptr %0, i64 %1, i64 %2, i64 %6, i64 %4, i64 0, i64 0, i64 0)
  ret { i64, i64 } %7
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #3 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #4

attributes #0 = { mustprogress nounwind }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #3 = { mustprogress uwtable }
attributes #4 = { nonlazybind }

!0 = !{}
