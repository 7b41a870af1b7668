// Attention in fp32, for the mode that checks rather than hurries: the same grids, arguments and results as the kernels
// of attention.cpp, one thread a query or key. Used by attention.cpp alone; constants.
#pragma once

namespace smgate::workload::cuda::kernels {

extern const char* const kPlainAttentionShared;  // before each of the others
extern const char* const kPlainAttentionForward;
extern const char* const kPlainAttentionBackwardQ;
extern const char* const kPlainAttentionBackwardKv;
extern const char* const kTiledAttentionBackwardQ;  // in bf16, behind what attention.cpp puts before its forward pass
extern const char* const kTiledAttentionBackwardKv;

}  // namespace smgate::workload::cuda::kernels
