@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #2

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc void @ebpf_rt_misaligned(ptr, i64, i64, i64) #2

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #3 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %10 = inttoptr i64 %6 to ptr
  %11 = call i64 @llvm.usub.sat.i64(i64 %4, i64 3)
  %12 = call i64 @llvm.usub.sat.i64(i64 %4, i64 7)
  %13 = call i64 @llvm.usub.sat.i64(i64 %4, i64 1)
  %14 = call i64 @llvm.usub.sat.i64(i64 %4, i64 0)
  br label %15

15:                                               ; preds = %5
  %16 = getelementptr i8, ptr %r10, i64 -8
  %17 = add i64 %2, -8
  %18 = atomicrmw add ptr %16, i64 1 monotonic, align 8
  %19 = getelementptr i8, ptr %10, i64 4
  %20 = ptrtoint ptr %19 to i64
  %21 = sub i64 %20, %8
  %22 = icmp ult i64 %21, %11
  br i1 %22, label %fine, label %ask, !prof !0, !bpf.input !1

ask:                                              ; preds = %15
  %23 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %20, i64 8589935619, i64 %2), !bpf.input !1
  %24 = icmp ne i64 %23, 0
  br i1 %24, label %fine, label %end_run, !prof !0

fine:                                             ; preds = %ask, %15
  %25 = and i64 %20, 3
  %26 = icmp eq i64 %25, 0
  br i1 %26, label %aligned, label %misaligned, !prof !0

misaligned:                                       ; preds = %fine
  call preserve_mostcc void @ebpf_rt_misaligned(ptr %0, i64 %20, i64 8589935619, i64 %2)
  br label %end_run

aligned:                                          ; preds = %fine
  %27 = atomicrmw or ptr %19, i32 1 seq_cst, align 4
  %28 = zext i32 %27 to i64
  %29 = getelementptr i8, ptr %10, i64 8
  %30 = ptrtoint ptr %29 to i64
  %31 = sub i64 %30, %8
  %32 = icmp ult i64 %31, %12
  br i1 %32, label %fine2, label %ask1, !prof !0, !bpf.input !1

ask1:                                             ; preds = %aligned
  %33 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %30, i64 12884903939, i64 %2), !bpf.input !1
  %34 = icmp ne i64 %33, 0
  br i1 %34, label %fine2, label %end_run, !prof !0

fine2:                                            ; preds = %ask1, %aligned
  %35 = and i64 %30, 7
  %36 = icmp eq i64 %35, 0
  br i1 %36, label %aligned4, label %misaligned3, !prof !0

misaligned3:                                      ; preds = %fine2
  call preserve_mostcc void @ebpf_rt_misaligned(ptr %0, i64 %30, i64 12884903939, i64 %2)
  br label %end_run

aligned4:                                         ; preds = %fine2
  %37 = cmpxchg ptr %29, i64 %28, i64 %4 seq_cst seq_cst, align 8
  %38 = extractvalue { i64, i1 } %37, 0
  %39 = getelementptr i8, ptr %10, i64 0
  %40 = ptrtoint ptr %39 to i64
  %41 = sub i64 %40, %8
  %42 = icmp ult i64 %41, %13
  br i1 %42, label %fine6, label %ask5, !prof !0, !bpf.input !1

ask5:                                             ; preds = %aligned4
  %43 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %40, i64 17179869697, i64 %2), !bpf.input !1
  %44 = icmp ne i64 %43, 0
  br i1 %44, label %fine6, label %end_run, !prof !0

fine6:                                            ; preds = %ask5, %aligned4
  %45 = and i64 %40, 1
  %46 = icmp eq i64 %45, 0
  br i1 %46, label %aligned8, label %misaligned7, !prof !0

misaligned7:                                      ; preds = %fine6
  call preserve_mostcc void @ebpf_rt_misaligned(ptr %0, i64 %40, i64 17179869697, i64 %2)
  br label %end_run

aligned8:                                         ; preds = %fine6
  %47 = load atomic i16, ptr %39 acquire, align 2
  %48 = zext i16 %47 to i64
  %49 = trunc i64 %48 to i8
  %50 = getelementptr i8, ptr %10, i64 0
  %51 = ptrtoint ptr %50 to i64
  %52 = sub i64 %51, %8
  %53 = icmp ult i64 %52, %14
  br i1 %53, label %fine10, label %ask9, !prof !0, !bpf.input !1

ask9:                                             ; preds = %aligned8
  %54 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %51, i64 21474836738, i64 %2), !bpf.input !1
  %55 = icmp ne i64 %54, 0
  br i1 %55, label %fine10, label %end_run, !prof !0

fine10:                                           ; preds = %ask9, %aligned8
  store atomic i8 %49, ptr %50 release, align 1
  %56 = insertvalue { i64, i64 } poison, i64 %38, 0
  %57 = insertvalue { i64, i64 } %56, i64 %1, 1
  ret { i64, i64 } %57

end_run:                                          ; preds = %ask9, %misaligned7, %ask5, %misaligned3, %ask1, %misaligned, %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #3 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #4

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #3 = { mustprogress nounwind }
attributes #4 = { nonlazybind }

!0 = !{!"branch_weights", i32 1048575, i32 1}
!1 = !{}
