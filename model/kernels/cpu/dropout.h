// Dropout of any numbers: what is kept is a hash of place and key, so backward needs no mask.
#pragma once

#include "problem.h"

constexpr int64_t DROPOUT_TASK = 1 << 16;  // numbers that are worth waking a thread

static void run_dropout(int64_t n, const float* from, float* to, uint32_t key, uint32_t threshold, float scale, int32_t threads) {
#pragma omp parallel for schedule(static) num_threads(n <= DROPOUT_TASK ? 1 : threads)
  for (int64_t begin = 0; begin < n; begin += DROPOUT_TASK) {
    const int32_t size = (int32_t)std::min(DROPOUT_TASK, n - begin);
    const uint32_t own_key = mix(key + (uint32_t)(begin / DROPOUT_TASK));  // places fit 32 bits however many there are
    for (int32_t i = 0; i < size; i++) to[begin + i] = hashed((uint32_t)i, own_key) >= threshold ? from[begin + i] * scale : 0.f;
  }
}
