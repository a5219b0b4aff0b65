// The functions that Python calls (model/kernels/cpu.py); what they do is in the headers.
#include "backward.h"
#include "dropout.h"
#include "plan.h"

extern "C" {

int32_t vector_lanes() { return LANES; }

int64_t sort_csr(
    int64_t n_edges, const int64_t* src, const int64_t* dst, int64_t n_src, int64_t n_dst, int32_t* indptr, int32_t* sorted_src,
    int32_t* edge_id, int32_t* by_src, int32_t* src_indptr) {
  return sort_edges(n_edges, src, dst, n_src, n_dst, indptr, sorted_src, edge_id, by_src, src_indptr);
}

Plan* new_plan(
    int64_t n_src, int64_t n_dst, int64_t n_edges, const int32_t* indptr, const int32_t* src, const int32_t* edge_id,
    const int32_t* by_src, const int32_t* src_indptr, int64_t padded) {
  return new Plan(make_plan({n_src, n_dst, n_edges, indptr, src, edge_id, by_src, src_indptr}, padded));
}

void free_plan(Plan* plan) { delete plan; }

void forward(const Problem* problem) { run_forward(*problem); }

void backward(const Problem* problem) { run_backward(*problem); }

void dropout(int64_t n, const float* from, float* to, uint32_t key, uint32_t threshold, float scale, int32_t threads) {
  run_dropout(n, from, to, key, threshold, scale, threads);
}
}
