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
  %13 = inttoptr i64 %3 to ptr
  br label %14

14:                                               ; preds = %8
  %15 = getelementptr i8, ptr %13, i64 12
  %16 = load i16, ptr %15, align 1
  %17 = zext i16 %16 to i64
  %18 = trunc i64 %17 to i16
  %19 = call i16 @llvm.bswap.i16(i16 %18)
  %20 = zext i16 %19 to i64
  %21 = insertvalue { i64, i64 } poison, i64 %20, 0
  %22 = insertvalue { i64, i64 } %21, i64 %1, 1
  ret { i64, i64 } %22

end_run:                                          ; No predecessors!
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

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
