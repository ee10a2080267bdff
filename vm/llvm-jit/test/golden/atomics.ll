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
  %14 = call i64 @llvm.usub.sat.i64(i64 %12, i64 3)
  %15 = call i64 @llvm.usub.sat.i64(i64 %12, i64 7)
  %16 = call i64 @llvm.usub.sat.i64(i64 %12, i64 1)
  %17 = call i64 @llvm.usub.sat.i64(i64 %12, i64 0)
  br label %18

18:                                               ; preds = %8
  %19 = getelementptr i8, ptr %r10, i64 -8
  %20 = add i64 %2, -8
  %21 = atomicrmw add ptr %19, i64 1 monotonic, align 8
  %22 = getelementptr i8, ptr %13, i64 4
  %23 = ptrtoint ptr %22 to i64
  %24 = sub i64 %23, %10
  %25 = icmp ult i64 %24, %14
  br i1 %25, label %fine, label %ask, !prof !1

ask:                                              ; preds = %18
  %26 = call i64 @ebpf_rt_check(ptr %0, i64 %23, i64 8589935619, i64 %2)
  %27 = icmp ne i64 %26, 0
  br i1 %27, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %18
  %28 = and i64 %23, 3
  %29 = icmp eq i64 %28, 0
  br i1 %29, label %aligned, label %misaligned, !prof !1

misaligned:                                       ; preds = %fine
  call void @ebpf_rt_misaligned(ptr %0, i64 %23, i64 8589935619, i64 %2)
  br label %end_run

aligned:                                          ; preds = %fine
  %30 = atomicrmw or ptr %22, i32 1 seq_cst, align 4
  %31 = zext i32 %30 to i64
  %32 = getelementptr i8, ptr %13, i64 8
  %33 = ptrtoint ptr %32 to i64
  %34 = sub i64 %33, %10
  %35 = icmp ult i64 %34, %15
  br i1 %35, label %fine2, label %ask1, !prof !1

ask1:                                             ; preds = %aligned
  %36 = call i64 @ebpf_rt_check(ptr %0, i64 %33, i64 12884903939, i64 %2)
  %37 = icmp ne i64 %36, 0
  br i1 %37, label %fine2, label %end_run, !prof !1

fine2:                                            ; preds = %ask1, %aligned
  %38 = and i64 %33, 7
  %39 = icmp eq i64 %38, 0
  br i1 %39, label %aligned4, label %misaligned3, !prof !1

misaligned3:                                      ; preds = %fine2
  call void @ebpf_rt_misaligned(ptr %0, i64 %33, i64 12884903939, i64 %2)
  br label %end_run

aligned4:                                         ; preds = %fine2
  %40 = cmpxchg ptr %32, i64 %31, i64 %4 seq_cst seq_cst, align 8
  %41 = extractvalue { i64, i1 } %40, 0
  %42 = getelementptr i8, ptr %13, i64 0
  %43 = ptrtoint ptr %42 to i64
  %44 = sub i64 %43, %10
  %45 = icmp ult i64 %44, %16
  br i1 %45, label %fine6, label %ask5, !prof !1

ask5:                                             ; preds = %aligned4
  %46 = call i64 @ebpf_rt_check(ptr %0, i64 %43, i64 17179869697, i64 %2)
  %47 = icmp ne i64 %46, 0
  br i1 %47, label %fine6, label %end_run, !prof !1

fine6:                                            ; preds = %ask5, %aligned4
  %48 = and i64 %43, 1
  %49 = icmp eq i64 %48, 0
  br i1 %49, label %aligned8, label %misaligned7, !prof !1

misaligned7:                                      ; preds = %fine6
  call void @ebpf_rt_misaligned(ptr %0, i64 %43, i64 17179869697, i64 %2)
  br label %end_run

aligned8:                                         ; preds = %fine6
  %50 = load atomic i16, ptr %42 acquire, align 2
  %51 = zext i16 %50 to i64
  %52 = trunc i64 %51 to i8
  %53 = getelementptr i8, ptr %13, i64 0
  %54 = ptrtoint ptr %53 to i64
  %55 = sub i64 %54, %10
  %56 = icmp ult i64 %55, %17
  br i1 %56, label %fine10, label %ask9, !prof !1

ask9:                                             ; preds = %aligned8
  %57 = call i64 @ebpf_rt_check(ptr %0, i64 %54, i64 21474836738, i64 %2)
  %58 = icmp ne i64 %57, 0
  br i1 %58, label %fine10, label %end_run, !prof !1

fine10:                                           ; preds = %ask9, %aligned8
  store atomic i8 %52, ptr %53 release, align 1
  %59 = insertvalue { i64, i64 } poison, i64 %41, 0
  %60 = insertvalue { i64, i64 } %59, i64 %1, 1
  ret { i64, i64 } %60

end_run:                                          ; preds = %ask9, %misaligned7, %ask5, %misaligned3, %ask1, %misaligned, %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #2

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare i64 @ebpf_rt_check(ptr, i64, i64, i64) #3

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare void @ebpf_rt_misaligned(ptr, i64, i64, i64) #3

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = call fastcc { i64, i64 } @f0(ptr %0, i64 %1, i64 %2, i64 %6, i64 %4, i64 0, i64 0, i64 0)
  ret { i64, i64 } %7
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #4 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #5

attributes #0 = { mustprogress nounwind }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #3 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #4 = { mustprogress uwtable }
attributes #5 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
