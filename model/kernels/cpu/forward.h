// Forward: scores, softmax and weighted sum of a row's edges in one sweep; the algebra is in docs/kernels.md.
#pragma once

#include <cmath>
#include <memory>

#include "problem.h"

constexpr int CHUNK = 32;  // edges whose features stay in the first-level cache between score and sum
static_assert(CHUNK % LANES == 0);
// How far scores may pass what is taken off them before their exponential: any peak up to here above the one in use
// changes nothing, so a chunk need not wait for its own. e^SLACK times the edges of a row stays far from overflow.
constexpr float SLACK = 16;

// Some edges of one row.
struct Chunk {
  int n;
  int64_t feature[CHUNK];           // where each source's packed row starts
  float scale[CHUNK];               // kept or dropped
  alignas(64) float score[CHUNK];   // the linear part at first, then all of it, then its exponential
  alignas(64) float partial[CHUNK * LANES];
  const float* attr;                // [n][width]
};

// Adds att_bend . |x_src + x_dst + edges| over NV vectors of features to `partial`; WIDTH is 0, 1 or -1 (any).
template <int NV, int WIDTH>
static void score_slice(
    Chunk& chunk, const float* packed, const float* x_dst, const float* att_bend, const float* weight, int64_t width,
    int64_t padded, bool first) {
  Vector r[NV], a[NV], w[NV];
  UNROLL for (int u = 0; u < NV; u++) {
    r[u] = load(x_dst + u * LANES);
    a[u] = load(att_bend + u * LANES);
    if constexpr (WIDTH == 1) w[u] = load(weight + u * LANES);
  }
  for (int k = 0; k < chunk.n; k++) {
    const float* x = packed + chunk.feature[k];
    Vector t[NV], total[2] = {};
    UNROLL for (int u = 0; u < NV; u++) t[u] = load(x + u * LANES) + r[u];
    if constexpr (WIDTH == 1) {
      Vector e = broadcast(chunk.attr[k]);
      UNROLL for (int u = 0; u < NV; u++) t[u] += e * w[u];
    }
    if constexpr (WIDTH < 0)
      for (int64_t f = 0; f < width; f++) {
        Vector e = broadcast(chunk.attr[k * width + f]);
        UNROLL for (int u = 0; u < NV; u++) t[u] += e * load(weight + f * padded + u * LANES);
      }
    UNROLL for (int u = 0; u < NV; u++) total[u % 2] += a[u] * absolute(t[u]);
    Vector both = total[0] + total[1];
    store(chunk.partial + k * LANES, first ? both : both + load(chunk.partial + k * LANES));
  }
}

// Adds the chunk's weighted features to the row's sum.
template <int NV>
static void sum_slice(const Chunk& chunk, const float* packed, float* row_sum) {
  constexpr int CHAINS = NV < 4 ? 2 : 1;  // independent sums, so that short slices do not wait for each other
  Vector total[CHAINS][NV] = {};
  UNROLL for (int u = 0; u < NV; u++) total[0][u] = load(row_sum + u * LANES);
  int k = 0;
  for (; k + CHAINS <= chunk.n; k += CHAINS)
    UNROLL for (int c = 0; c < CHAINS; c++) {
      const float* x = packed + chunk.feature[k + c];
      Vector p = broadcast(chunk.score[k + c]);
      UNROLL for (int u = 0; u < NV; u++) total[c][u] += p * load(x + u * LANES);
    }
  for (; k < chunk.n; k++)
    UNROLL for (int u = 0; u < NV; u++)
      total[0][u] += broadcast(chunk.score[k]) * load(packed + chunk.feature[k] + u * LANES);
  UNROLL for (int u = 0; u < NV; u++) {
    Vector all = total[0][u];
    if constexpr (CHAINS == 2) all += total[1][u];
    store(row_sum + u * LANES, all);
  }
}

using ScoreSlice = void (*)(Chunk&, const float*, const float*, const float*, const float*, int64_t, int64_t, bool);
using SumSlice = void (*)(const Chunk&, const float*, float*);

template <int NV>
static ScoreSlice score_slice_for(int64_t width) {
  return width == 0 ? score_slice<NV, 0> : width == 1 ? score_slice<NV, 1> : score_slice<NV, -1>;
}

// Features are taken in slices of at most MAX_SLICE vectors, whose sums fit the registers.
struct ForwardSlice {
  int64_t feature;
  ScoreSlice score;
  SumSlice sum;
};

template <int NV = MAX_SLICE>
static ForwardSlice forward_slice(int64_t feature, int64_t n_vectors, int64_t width) {
  if constexpr (NV > 1)
    if (n_vectors < NV) return forward_slice<NV - 1>(feature, n_vectors, width);
  return {feature, score_slice_for<NV>(width), sum_slice<NV>};
}

// Cuts `padded` features into even slices.
template <class MakeSlice>
static auto cut_slices(int64_t padded, MakeSlice make) {
  vector<decltype(make(0, 0))> slices;
  int64_t vectors = padded / LANES, n = (vectors + MAX_SLICE - 1) / MAX_SLICE;
  for (int64_t s = 0; s < n; s++) {
    int64_t begin = vectors * s / n, end = vectors * (s + 1) / n;
    slices.push_back(make(begin * LANES, end - begin));
  }
  return slices;
}

// One head of one relation, and a row's running softmax.
struct ForwardSweep {
  const Problem& problem;
  const Relation& relation;
  const int64_t head;
  const HeadConstants& constants;
  const float *packed, *src_linear;  // [n_src][padded], [n_src]
  vector<ForwardSlice> slices;
  Chunk chunk;

  void take_chunk(int64_t first, int n, float row_linear) {
    const int64_t width = relation.width;
    const float* attr = relation.sorted_attr + first * width;
    chunk.n = n;
    chunk.attr = attr;
    // In one loop for one edge feature: a vector read right after single writes would wait until they reach the cache.
    const float edge_linear = width == 1 ? constants.edge_linear[0] : 0.f;
    for (int k = 0; k < n; k++) {
      int32_t source = relation.src[first + k];
      chunk.feature[k] = source * problem.padded;
      chunk.score[k] = row_linear + src_linear[source] + (width == 1 ? edge_linear * attr[k] : 0.f);
    }
    if (width > 1)
      for (int k = 0; k < n; k++)
        for (int64_t f = 0; f < width; f++) chunk.score[k] += constants.edge_linear[f] * attr[k * width + f];
    if (problem.dropout_threshold)
      for (int k = 0; k < n; k++)
        chunk.scale[k] = kept(problem, (uint32_t)relation.edge_id[first + k], problem.dropout_keys[head]);
  }

  void score(const float* x_dst) {
    const float* weight = relation.edge_weight + head * relation.width * problem.padded;
    for (const ForwardSlice& s : slices)
      s.score(chunk, packed + s.feature, x_dst + s.feature, &constants.att_bend[s.feature], weight + s.feature,
              relation.width, problem.padded, s.feature == 0);
    for (int k = 0; k < chunk.n; k += LANES)
      store(chunk.score + k, load(chunk.score + k) + sum_each(chunk.partial + k * LANES));
  }

  // Edges first … first + n - 1 of a row: raw scores are kept, the row's maximum, denominator and sum move on.
  void add_chunk(int64_t first, int n, float row_linear, const float* x_dst, float& peak, float* denominator, float* row_sum) {
    take_chunk(first, n, row_linear);
    score(x_dst);
    memcpy(relation.scores + head * relation.plan->n_edges + first, chunk.score, n * 4);
    for (int k = n; k % LANES; k++) chunk.score[k] = -INFINITY;
    Vector top = load(chunk.score);
    for (int k = LANES; k < n; k += LANES) top = maximum(load(chunk.score + k), top);
    if (any_above(top, peak + SLACK)) {
      float new_peak = largest(top), shrink = std::exp(peak - new_peak);
      for (int64_t d = 0; d < problem.padded; d++) row_sum[d] *= shrink;
      for (int l = 0; l < LANES; l++) denominator[l] *= shrink;
      peak = new_peak;
    }
    Vector total = load(denominator);
    for (int k = 0; k < n; k += LANES) {
      Vector power = exponential(load(chunk.score + k) - peak);
      store(chunk.score + k, power);
      total += power;
    }
    store(denominator, total);
    if (problem.dropout_threshold)
      for (int k = 0; k < n; k++) chunk.score[k] *= chunk.scale[k];
    for (const ForwardSlice& s : slices) s.sum(chunk, packed + s.feature, row_sum + s.feature);
  }
};

// Writes row_out[row][head] (divided by the row's own denominator) and row_lse[head][row] for one tile.
static void forward_tile(
    const Problem& problem, const Task& task, const HeadConstants& constants, const float* src_linear, float* row_out,
    float* row_lse) {
  const Relation& relation = problem.relations[task.relation];
  const Plan& plan = *relation.plan;
  const int64_t padded = problem.padded, begin = plan.tile_row[task.part], end = plan.tile_row[task.part + 1];
  ForwardSweep sweep{
      problem, relation, task.head, constants, relation.packed + task.head * plan.n_src * padded, src_linear,
      cut_slices(padded, [&](int64_t f, int64_t n) { return forward_slice(f, n, relation.width); }), {}};
  memset(sweep.chunk.partial, 0, sizeof sweep.chunk.partial);
  Floats x_dst((end - begin) * padded), sums((end - begin) * padded, 0.f), linear(end - begin);
  Floats peak(end - begin, -INFINITY), denominator((end - begin) * LANES, 0.f);
  for (int64_t row = begin; row < end; row++) {
    float* x = &x_dst[(row - begin) * padded];
    copy_padded(relation.x_dst.of(plan.row_dst[row], task.head), x, problem.channels, padded);
    linear[row - begin] = dot(x, constants.att_linear.data(), padded);
  }
  for (int64_t block = 0; block < plan.n_source_blocks; block++)
    for (int64_t row = begin; row < end; row++) {
      int64_t i = row - begin, first = plan.block_edge[block * plan.n_rows + row];
      int64_t last = plan.block_edge[(block + 1) * plan.n_rows + row];
      for (; first < last; first += CHUNK)
        sweep.add_chunk(first, (int)std::min<int64_t>(CHUNK, last - first), linear[i], &x_dst[i * padded], peak[i],
                        &denominator[i * LANES], &sums[i * padded]);
    }
  for (int64_t row = begin; row < end; row++) {
    int64_t i = row - begin;
    float* out = row_out + (row * problem.heads + task.head) * problem.channels;
    bool empty = plan.row_begin[row] == plan.row_begin[row + 1];
    const float total = sum(load(&denominator[i * LANES])), share = empty ? 0.f : 1.f / total;
    for (int64_t d = 0; d < problem.channels; d++) out[d] = share * sums[i * padded + d];
    row_lse[task.head * plan.n_rows + row] = empty ? -INFINITY : peak[i] + std::log(total);
  }
}

// Sources in [head][node][padded], and the linear part of the score that they bring.
static void pack_sources(const Problem& problem, const Relation& relation, const HeadConstants* constants, float* src_linear) {
  const int64_t n_src = relation.plan->n_src, padded = problem.padded;
#pragma omp for schedule(static) nowait
  for (int64_t source = 0; source < n_src; source++)
    for (int64_t head = 0; head < problem.heads; head++) {
      float* to = relation.packed + (head * n_src + source) * padded;
      copy_padded(relation.x_src.of(source, head), to, problem.channels, padded);
      src_linear[head * n_src + source] = dot(to, constants[head].att_linear.data(), padded);
    }
}

static void sort_attr(const Relation& relation) {
  const int64_t width = relation.width;
  if (width == 0) return;
#pragma omp for schedule(static) nowait
  for (int64_t e = 0; e < relation.plan->n_edges; e++)
    for (int64_t f = 0; f < width; f++) relation.sorted_attr[e * width + f] = relation.edge_attr[relation.edge_id[e] * width + f];
}

// Joins rows, each a softmax of its own, into one softmax: out = sum of share * row_out, share = e^(row_lse - lse).
struct Joined {
  float peak = -INFINITY, lse = -INFINITY;

  template <class Lse>
  Joined(int64_t n, Lse row_lse) {
    for (int64_t k = 0; k < n; k++) peak = std::max(peak, row_lse(k));
    if (peak == -INFINITY) return;
    float total = 0;
    for (int64_t k = 0; k < n; k++) total += std::exp(row_lse(k) - peak);
    lse = peak + std::log(total);
  }
  float share(float row_lse) const { return row_lse == -INFINITY ? 0.f : std::exp(row_lse - lse); }
};

// The pieces of one destination in one relation become relation.out and relation.lse.
static void join_pieces(const Problem& problem, const Relation& relation, int64_t dst, int64_t head, const float* row_out, const float* row_lse) {
  const Plan& plan = *relation.plan;
  const int64_t first = plan.dst_row[dst], n = plan.dst_row[dst + 1] - first;
  const float* lse = row_lse + head * plan.n_rows + first;
  Joined joined(n, [&](int64_t k) { return lse[k]; });
  relation.lse[head * plan.n_dst + dst] = joined.lse;
  float* out = relation.out + (dst * problem.heads + head) * problem.channels;
  memset(out, 0, problem.channels * 4);
  for (int64_t k = 0; k < n; k++) {
    const float *part = row_out + ((first + k) * problem.heads + head) * problem.channels, share = joined.share(lse[k]);
    for (int64_t d = 0; d < problem.channels; d++) out[d] += share * part[d];
  }
}

// All relations of one destination become problem.out; with a shared softmax they also share the denominator.
static void join_relations(const Problem& problem, int64_t dst, int64_t head) {
  auto lse = [&](int64_t r) -> float& { return problem.relations[r].lse[head * problem.n_dst + dst]; };
  Joined joined(problem.shared_softmax ? problem.n_relations : 0, lse);
  float* out = problem.out + (dst * problem.heads + head) * problem.channels;
  memset(out, 0, problem.channels * 4);
  for (int64_t r = 0; r < problem.n_relations; r++) {
    const float share = problem.shared_softmax ? joined.share(lse(r)) : 1.f;
    const float* part = problem.relations[r].out + (dst * problem.heads + head) * problem.channels;
    for (int64_t d = 0; d < problem.channels; d++) out[d] += share * part[d];
    if (problem.shared_softmax) lse(r) = joined.lse;
  }
}

static void write_attention(const Problem& problem, const Relation& relation) {
  const Plan& plan = *relation.plan;
#pragma omp for schedule(dynamic, 64) nowait
  for (int64_t dst = 0; dst < plan.n_dst; dst++)
    for (int64_t e = plan.row_begin[plan.dst_row[dst]]; e < plan.row_begin[plan.dst_row[dst + 1]]; e++)
      for (int64_t head = 0; head < problem.heads; head++)
        relation.attention[relation.edge_id[e] * problem.heads + head] =
            std::exp(relation.scores[head * plan.n_edges + e] - relation.lse[head * plan.n_dst + dst]);
}

static void run_forward(const Problem& problem) {
  const int64_t heads = problem.heads;
  vector<HeadConstants> constants;
  vector<Floats> src_linear, row_out, row_lse;
  for (int64_t r = 0; r < problem.n_relations; r++) {
    const Relation& relation = problem.relations[r];
    for (int64_t head = 0; head < heads; head++) constants.push_back(head_constants(problem, relation, head));
    src_linear.emplace_back(heads * relation.plan->n_src);
    // without hubs a row is a destination, and writes straight to its place
    row_out.emplace_back(relation.plan->has_hubs ? heads * relation.plan->n_rows * problem.channels : 0);
    row_lse.emplace_back(relation.plan->has_hubs ? heads * relation.plan->n_rows : 0);
  }
  const vector<Task> tasks = list_tasks(problem, [](const Plan& plan) { return plan.n_tiles(); });
  const bool joins = problem.n_relations > 1 || problem.relations[0].out != problem.out;
#pragma omp parallel num_threads(threads_for(problem))
  {
    for (int64_t r = 0; r < problem.n_relations; r++) {
      pack_sources(problem, problem.relations[r], &constants[r * heads], src_linear[r].data());
      sort_attr(problem.relations[r]);
    }
#pragma omp barrier
#pragma omp for schedule(dynamic, 1)
    for (size_t t = 0; t < tasks.size(); t++) {
      const Task& task = tasks[t];
      const Relation& relation = problem.relations[task.relation];
      const bool hubs = relation.plan->has_hubs;
      forward_tile(problem, task, constants[task.relation * heads + task.head],
                   &src_linear[task.relation][task.head * relation.plan->n_src],
                   hubs ? row_out[task.relation].data() : relation.out, hubs ? row_lse[task.relation].data() : relation.lse);
    }
    for (int64_t r = 0; r < problem.n_relations; r++)
      if (problem.relations[r].plan->has_hubs) {
#pragma omp for schedule(dynamic, 16)
        for (int64_t dst = 0; dst < problem.n_dst; dst++)
          for (int64_t head = 0; head < heads; head++)
            join_pieces(problem, problem.relations[r], dst, head, row_out[r].data(), row_lse[r].data());
      }
    if (joins) {
#pragma omp for schedule(static)
      for (int64_t dst = 0; dst < problem.n_dst; dst++)
        for (int64_t head = 0; head < heads; head++) join_relations(problem, dst, head);
    }
    for (int64_t r = 0; r < problem.n_relations; r++)
      if (problem.relations[r].attention) write_attention(problem, problem.relations[r]);
  }
}
