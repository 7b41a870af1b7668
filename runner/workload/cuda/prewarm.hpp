// What a GPU's steps will ask the kernel cache for, written down apart from the steps that ask; the built-in list calls
// these for a run on a GPU. The incident's pre-warm faults are made here as in run/prewarm.cpp. Needs no CUDA headers.
#pragma once

#include "smgate/workload.hpp"

namespace smgate::workload::cuda {

void warm_teacher(KernelCache& cache, const RunConfig& config);
void warm_student(KernelCache& cache, const RunConfig& config);
void warm_student_backward(KernelCache& cache, const RunConfig& config);

}  // namespace smgate::workload::cuda
