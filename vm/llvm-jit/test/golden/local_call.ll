@bpf_program = external global i8

; Function Attrs: mustprogress nounwind
define internal fastcc { i64, i64 } @f4(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, i64 %3, i64 %4, i64 %5, i64 %6, i64 %7) #0 {
  %9 = getelementptr inbounds i64, ptr %0, i64 0
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %11 = getelementptr inbounds i64, ptr %0, i64 1
  %12 = load i64, ptr %11, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %13

13:                                               ; preds = %8
  %14 = add i64 %3, %3
  %15 = insertvalue { i64, i64 } poison, i64 %14, 0
  %16 = insertvalue { i64, i64 } %15, i64 %1, 1
  ret { i64, i64 } %16

end_run:                                          ; No predecessors!
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn
declare preserve_mostcc i64 @ebpf_rt_refill(ptr, i64, i32, i32) #2

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %10

10:                                               ; preds = %5
  %11 = sub i64 %1, 3
  %12 = icmp sge i64 %11, 0
  br i1 %12, label %paid, label %refill, !prof !1

refill:                                           ; preds = %10
  %13 = call preserve_mostcc i64 @ebpf_rt_refill(ptr %0, i64 %11, i32 3, i32 1)
  %14 = icmp sge i64 %13, 0
  br i1 %14, label %paid, label %end_run, !prof !1

paid:                                             ; preds = %refill, %10
  %15 = phi i64 [ %11, %10 ], [ %13, %refill ]
  %16 = sub i64 %2, 1024
  %17 = call fastcc { i64, i64 } @f4(ptr %0, i64 %15, i64 %16, i64 20, i64 0, i64 0, i64 0, i64 0)
  %18 = extractvalue { i64, i64 } %17, 0
  %19 = extractvalue { i64, i64 } %17, 1
  %20 = icmp sge i64 %19, 0
  br i1 %20, label %returned, label %end_run, !prof !1

returned:                                         ; preds = %paid
  %21 = add i64 %18, 2
  %22 = insertvalue { i64, i64 } poison, i64 %21, 0
  %23 = insertvalue { i64, i64 } %22, i64 %19, 1
  ret { i64, i64 } %23

end_run:                                          ; preds = %paid, %refill
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #0 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #3

attributes #0 = { mustprogress nounwind }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { cold nocallback nounwind nonlazybind willreturn }
attributes #3 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
