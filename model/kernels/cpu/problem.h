// What Python hands to the kernels, and the constants drawn from it; mirrored field by field in model/kernels/cpu.py.
#pragma once

#include "plan.h"
#include "vector.h"

// float[node][head][channel] with channels next to each other.
struct Features {
  const float* at;
  int64_t per_node, per_head;
  const float* of(int64_t node, int64_t head) const { return at + node * per_node + head * per_head; }
};

// Arrays are row-major with the shapes given; [padded] rows end in zeros up to a multiple of LANES.
struct Relation {
  const Plan* plan;
  const int32_t *src, *edge_id;
  Features x_src, x_dst;
  const float *att;          // [heads][padded]
  const float *edge_weight;  // [heads][width][padded]
  const float *edge_attr;    // [n_edges][width], in order of edge id
  int64_t width;
  // written by forward, read by backward
  float *packed;             // [heads][n_src][padded]
  float *sorted_attr;        // [n_edges][width], in order of the CSR
  float *scores;             // [heads][n_edges]
  float *lse;                // [heads][n_dst] log of the softmax's denominator
  float *out;                // [n_dst][heads][channels], this relation's part
  // asked for
  float *attention;          // [n_edges][heads], in order of edge id, or null
  // backward
  const float *grad_attention;  // [n_edges][heads], in order of edge id, or null
  const float *grad_total;   // [n_dst][heads] sum of attention * grad_attention over the softmax, or null
  float *grad_src;           // [n_src][heads][channels]
  float *grad_dst;           // [n_dst][heads][channels]
  float *grad_att;           // [heads][channels]
  float *grad_edge_weight;   // [heads][width][channels]
  float *grad_edge_attr;     // [n_edges][width], in order of edge id, or null
};

struct Problem {
  Relation* relations;
  int64_t n_relations, n_dst, heads, channels, padded;
  float negative_slope;
  int32_t shared_softmax;    // one softmax over all relations into a destination
  float dropout_scale;       // 1 / (1 - p); 1 without dropout
  uint32_t dropout_threshold;
  const uint32_t* dropout_keys;  // [heads]
  int32_t threads;
  float *out;                // [n_dst][heads][channels]
  Features grad_out;

  // LeakyReLU(t) = linear * t + bend * |t|
  float linear() const { return .5f * (1 + negative_slope); }
  float bend() const { return .5f * (1 - negative_slope); }
};

// A head's parameters: the score is constant + att_bend . |t| + linear part.
struct HeadConstants {
  Floats att_linear, att_bend;  // [padded]
  Floats edge_linear;           // [width] linear part of the score per unit of an edge feature
};

INLINE HeadConstants head_constants(const Problem& problem, const Relation& relation, int64_t head) {
  HeadConstants c;
  const float* att = relation.att + head * problem.padded;
  for (int64_t d = 0; d < problem.padded; d++) {
    c.att_linear.push_back(problem.linear() * att[d]);
    c.att_bend.push_back(problem.bend() * att[d]);
  }
  for (int64_t f = 0; f < relation.width; f++) {
    const float* weight = relation.edge_weight + (head * relation.width + f) * problem.padded;
    float dot = 0;
    for (int64_t d = 0; d < problem.padded; d++) dot += weight[d] * c.att_linear[d];
    c.edge_linear.push_back(dot);
  }
  return c;
}

// A task is one head of one tile (or group) of one relation; tasks are numbered relation by relation.
struct Task {
  int64_t relation, head, part;
};

template <class CountParts>
static vector<Task> list_tasks(const Problem& problem, CountParts count_parts) {
  vector<Task> tasks;
  for (int64_t r = 0; r < problem.n_relations; r++)
    for (int64_t head = 0; head < problem.heads; head++)
      for (int64_t part = 0; part < count_parts(*problem.relations[r].plan); part++) tasks.push_back({r, head, part});
  return tasks;
}

// Waking threads costs more than this many fused multiply-adds.
constexpr int64_t WORTH_THREADS = 200000;

INLINE int threads_for(const Problem& problem) {
  int64_t work = 0;
  for (int64_t r = 0; r < problem.n_relations; r++)
    work += problem.relations[r].plan->n_edges * problem.heads * problem.padded;
  return work < WORTH_THREADS ? 1 : problem.threads;
}

INLINE void copy_padded(const float* from, float* to, int64_t channels, int64_t padded) {
  memcpy(to, from, channels * 4);
  memset(to + channels, 0, (padded - channels) * 4);
}

INLINE float dot(const float* a, const float* b, int64_t padded) {
  Vector total = {};
  for (int64_t d = 0; d < padded; d += LANES) total += load(a + d) * load(b + d);
  return sum(total);
}

INLINE void add(float* to, const float* from, int64_t n) {
  for (int64_t d = 0; d < n; d++) to[d] += from[d];
}

// The `lowbias32` finaliser; the same numbers as model/kernels/dropout.py.
INLINE uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

INLINE uint32_t hashed(uint32_t place, uint32_t key) { return mix(mix(place * 0x9e3779b9u + key) ^ key); }

// Factor of an attention coefficient: 0 where it is dropped, 1 / (1 - p) where not.
INLINE float kept(const Problem& problem, uint32_t edge_id, uint32_t key) {
  return hashed(edge_id, key) >= problem.dropout_threshold ? problem.dropout_scale : 0.f;
}
