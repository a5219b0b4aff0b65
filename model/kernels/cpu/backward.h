// Backward: all gradients in one sweep over the edges; the algebra is in docs/kernels.md.
#pragma once

#include "forward.h"

constexpr int64_t SWEEP = MAX_RUN;  // edges of the runs that one sweep takes through all its steps
static_assert(SWEEP % LANES == 0);

// Edges of some runs of one block, in walking order.
struct Sweep {
  int64_t run_begin, run_end, n;
  int32_t begin[SWEEP + 1];              // first edge of each run, counted from the sweep's first
  int32_t feature[SWEEP];                // where each edge's row starts in the block's features
  alignas(64) float attention[SWEEP];
  alignas(64) float dot[SWEEP];          // grad_out . x_src
  alignas(64) float weight[SWEEP];       // attention after dropout: what the message was multiplied by
  alignas(64) float slope[SWEEP];        // gradient of the score
  alignas(64) float partial[LANES * LANES];
  Floats attr;                    // [n][width]

  // Edges k … k + LANES - 1: their products, a vector each in `partial`, become sums over channels.
  void add_dots(int64_t k, bool first) {
    const Vector dots = sum_each(partial);
    store(dot + k, first ? dots : load(dot + k) + dots);
  }
};

// Features and gradients of a block's rows, [rows][padded] each.
struct Block {
  Floats x_dst, grad_out, bends;
  Floats total, slopes;           // [rows]; total: grad_out . out
  // Of the block's edges in order of the CSR. They are read in that order at first: a walk by source through arrays
  // as long as the graph would have too many streams for the processor to fetch ahead.
  Floats attention, attr;
};

// What one head of one relation sums over the blocks of one task.
struct Sums {
  float* src;                            // [slots][padded] gradient of packed sources
  vector<double> att;                    // [padded]
  vector<double> edge_bends, edge_slopes;  // [width][padded], [width]
};

// Step A. For each edge grad_out . x_src; for each run its sum of weight * grad_out goes to its source's gradient.
template <int NV>
static void message_slice(Sweep& sweep, const Plan& plan, const float* packed, const float* grad_out, float* grad_src, int64_t padded, bool first) {
  for (int64_t run = sweep.run_begin; run < sweep.run_end; run++) {
    const float* x_at = packed + plan.run_src[run] * padded;
    float* grad_at = grad_src + plan.run_slot[run] * padded;
    Vector x[NV], grad[NV];
    UNROLL for (int u = 0; u < NV; u++) {
      x[u] = load(x_at + u * LANES);
      grad[u] = load(grad_at + u * LANES);
      PIN(x[u]);
    }
    const int64_t i = run - sweep.run_begin;
    for (int32_t k = sweep.begin[i]; k < sweep.begin[i + 1]; k++) {
      const float* g_at = grad_out + sweep.feature[k];
      const Vector weight = broadcast(sweep.weight[k]);
      Vector total[2] = {};
      UNROLL for (int u = 0; u < NV; u++) {
        Vector g = load(g_at + u * LANES);
        PIN(g);
        total[u % 2] += x[u] * g;
        grad[u] += weight * g;
      }
      const uint32_t lane = (uint32_t)k % LANES;
      store(sweep.partial + lane * LANES, total[0] + total[1]);
      if (lane == LANES - 1) sweep.add_dots(k - lane, first);
    }
    UNROLL for (int u = 0; u < NV; u++) store(grad_at + u * LANES, grad[u]);
  }
  if (sweep.n % LANES) sweep.add_dots(sweep.n - sweep.n % LANES, first);
}

// Step B. With n = -(x_src + x_dst + edges), sums of slope where n >= 0 and -slope where n < 0: over a run (its
// source's share), over a block's rows (`bends`) and, times the edge feature, over all edges.
template <int NV, int WIDTH>
static void bend_slice(
    Sweep& sweep, const Plan& plan, const float* packed, const float* x_dst, const float* weight, const float* att, int64_t width,
    float linear, float bend, int64_t padded, float* bends, float* grad_src, float* grad_att, float* edge_bends) {
  const float* attr = sweep.attr.data();  // or it would be looked up again for every edge
  Vector w[NV], edge_sum[NV];
  UNROLL for (int u = 0; u < NV; u++) {
    if constexpr (WIDTH == 1) w[u] = load(weight + u * LANES);
    edge_sum[u] = Vector{};
  }
  for (int64_t run = sweep.run_begin; run < sweep.run_end; run++) {
    const float* x_at = packed + plan.run_src[run] * padded;
    Vector minus_x[NV], run_sum[NV], slopes = {};
    UNROLL for (int u = 0; u < NV; u++) {
      minus_x[u] = 0.f - load(x_at + u * LANES);  // not -x: the slope at zero is taken from the sign of +0
      run_sum[u] = Vector{};
      PIN(minus_x[u]);
    }
    const int64_t i = run - sweep.run_begin;
    for (int32_t k = sweep.begin[i]; k < sweep.begin[i + 1]; k++) {
      const float* r_at = x_dst + sweep.feature[k];
      float* bends_at = bends + sweep.feature[k];
      const Vector slope = broadcast(sweep.slope[k]);
      slopes += slope;
      if constexpr (WIDTH >= 0) {
        const Vector e = broadcast(WIDTH == 1 ? attr[k] : 0.f);
        UNROLL for (int u = 0; u < NV; u++) {
          Vector n = minus_x[u] - load(r_at + u * LANES);
          if constexpr (WIDTH == 1) n -= e * w[u];
          n = flip_where_negative(slope, n);
          run_sum[u] += n;
          store(bends_at + u * LANES, load(bends_at + u * LANES) + n);
          if constexpr (WIDTH == 1) edge_sum[u] += e * n;
        }
      } else {
        Vector n[NV];
        UNROLL for (int u = 0; u < NV; u++) n[u] = minus_x[u] - load(r_at + u * LANES);
        for (int64_t f = 0; f < width; f++) {
          const Vector e = broadcast(attr[k * width + f]);
          UNROLL for (int u = 0; u < NV; u++) n[u] -= e * load(weight + f * padded + u * LANES);
        }
        UNROLL for (int u = 0; u < NV; u++) {
          n[u] = flip_where_negative(slope, n[u]);
          run_sum[u] += n[u];
          store(bends_at + u * LANES, load(bends_at + u * LANES) + n[u]);
        }
        for (int64_t f = 0; f < width; f++) {
          const Vector e = broadcast(attr[k * width + f]);
          float* to = edge_bends + f * padded;
          UNROLL for (int u = 0; u < NV; u++) store(to + u * LANES, load(to + u * LANES) + e * n[u]);
        }
      }
    }
    float* grad_at = grad_src + plan.run_slot[run] * padded;
    const Vector straight = linear * slopes;
    UNROLL for (int u = 0; u < NV; u++) {
      Vector leaky = straight - bend * run_sum[u];  // sum over the run of slope * LeakyReLU'
      store(grad_att + u * LANES, load(grad_att + u * LANES) - minus_x[u] * leaky);
      store(grad_at + u * LANES, load(grad_at + u * LANES) + load(att + u * LANES) * leaky);
    }
  }
  if constexpr (WIDTH == 1)
    UNROLL for (int u = 0; u < NV; u++) store(edge_bends + u * LANES, load(edge_bends + u * LANES) + edge_sum[u]);
}

using MessageSlice = void (*)(Sweep&, const Plan&, const float*, const float*, float*, int64_t, bool);
using BendSlice = void (*)(
    Sweep&, const Plan&, const float*, const float*, const float*, const float*, int64_t, float, float, int64_t, float*, float*,
    float*, float*);

struct BackwardSlice {
  int64_t feature;
  MessageSlice message;
  BendSlice bend;
};

template <int NV>
static BendSlice bend_slice_for(int64_t width) {
  return width == 0 ? bend_slice<NV, 0> : width == 1 ? bend_slice<NV, 1> : bend_slice<NV, -1>;
}

template <int NV = MAX_SLICE>
static BackwardSlice backward_slice(int64_t feature, int64_t n_vectors, int64_t width) {
  if constexpr (NV > 1)
    if (n_vectors < NV) return backward_slice<NV - 1>(feature, n_vectors, width);
  return {feature, message_slice<NV>, bend_slice_for<NV>(width)};
}

// One task: one head over the blocks of one group.
struct BackwardTask {
  const Problem& problem;
  const Relation& relation;
  const Plan& plan;
  const int64_t head;
  const HeadConstants& constants;
  Sums& sums;
  const float* packed;
  vector<BackwardSlice> slices;
  Block block;
  Sweep sweep;
  Floats one_row;              // [padded]
  Floats att_part, edge_part;  // of one block: added up in double, or float32 loses digits over many edges

  const float* edge_weight() const { return relation.edge_weight + head * relation.width * problem.padded; }

  void run(int64_t group) {
    memset(sums.src, 0, (plan.group_slot[group + 1] - plan.group_slot[group]) * problem.padded * 4);
    sums.src -= plan.group_slot[group] * problem.padded;  // so that a run's slot is its index
    for (int64_t b = plan.group_block[group]; b < plan.group_block[group + 1]; b++) {
      open_block(b);
      for (int64_t run = plan.block_run[b]; run < plan.block_run[b + 1]; run = sweep.run_end) {
        open_sweep(b, run, plan.block_run[b + 1]);
        differentiate_softmax();
        differentiate_score();
      }
      close_block(b);
    }
  }

  void open_block(int64_t b) {
    const int64_t first = plan.block_row[b], rows = plan.block_row[b + 1] - first, padded = problem.padded;
    block.x_dst.resize(rows * padded), block.grad_out.resize(rows * padded);
    block.bends.assign(rows * padded, 0.f), block.slopes.assign(rows, 0.f);
    block.total.resize(rows);
    one_row.resize(padded), att_part.assign(padded, 0.f), edge_part.assign(relation.width * padded, 0.f);
    const float* out = problem.shared_softmax ? problem.out : relation.out;
    for (int64_t row = 0; row < rows; row++) {
      const int64_t dst = plan.row_dst[first + row];
      float* grad = &block.grad_out[row * padded];
      copy_padded(relation.x_dst.of(dst, head), &block.x_dst[row * padded], problem.channels, padded);
      copy_padded(problem.grad_out.of(dst, head), grad, problem.channels, padded);
      copy_padded(out + (dst * problem.heads + head) * problem.channels, one_row.data(), problem.channels, padded);
      const float total = dot(grad, one_row.data(), padded);
      block.total[row] = relation.grad_total ? total + relation.grad_total[dst * problem.heads + head] : total;
    }
    recall_attention(first, rows);
  }

  void recall_attention(int64_t first_row, int64_t rows) {
    const int64_t begin = plan.row_begin[first_row], end = plan.row_begin[first_row + rows];
    const float* scores = relation.scores + head * plan.n_edges;
    block.attention.resize(end - begin + LANES);  // a row's last vector may reach past the block's end
    for (int64_t row = first_row; row < first_row + rows; row++) {
      const float lse = relation.lse[head * plan.n_dst + plan.row_dst[row]];
      int64_t e = plan.row_begin[row];
      for (; e + LANES <= plan.row_begin[row + 1]; e += LANES) store(&block.attention[e - begin], exponential(load(scores + e) - lse));
      if (const int64_t rest = plan.row_begin[row + 1] - e; rest > 0) {
        float tail[LANES] = {};
        for (int64_t k = 0; k < rest; k++) tail[k] = scores[e + k] - lse;
        store(&block.attention[e - begin], exponential(load(tail)));
      }
    }
    block.attr.assign(relation.sorted_attr + begin * relation.width, relation.sorted_attr + end * relation.width);
  }

  void open_sweep(int64_t b, int64_t run, int64_t last_run) {
    const int32_t first = plan.run_begin[run];
    sweep.run_begin = run;
    for (; run < last_run && plan.run_begin[run + 1] - first <= SWEEP; run++) sweep.begin[run - sweep.run_begin] = plan.run_begin[run] - first;
    sweep.run_end = run;
    sweep.n = sweep.begin[run - sweep.run_begin] = plan.run_begin[run] - first;
    const int64_t width = relation.width, block_begin = plan.row_begin[plan.block_row[b]];
    for (int64_t k = 0; k < sweep.n; k++) {
      const int64_t e = plan.walk_edge[first + k] - block_begin;
      sweep.feature[k] = plan.walk_row[first + k] * (int32_t)problem.padded;
      sweep.attention[k] = sweep.weight[k] = block.attention[e];
      if (width == 1) sweep.attr[k] = block.attr[e];
      if (width > 1) memcpy(&sweep.attr[k * width], &block.attr[e * width], width * 4);
    }
  }

  // slope = attention * (kept * grad_out . x_src - grad_out . out)
  void differentiate_softmax() {
    const int32_t first = plan.run_begin[sweep.run_begin];
    if (problem.dropout_threshold)
      for (int64_t k = 0; k < sweep.n; k++)
        sweep.weight[k] *= kept(problem, (uint32_t)relation.edge_id[plan.walk_edge[first + k]], problem.dropout_keys[head]);
    for (const BackwardSlice& s : slices)
      s.message(sweep, plan, packed + s.feature, &block.grad_out[s.feature], sums.src + s.feature, problem.padded, s.feature == 0);
    for (int64_t k = 0; k < sweep.n; k++)
      sweep.slope[k] = sweep.weight[k] * sweep.dot[k] - sweep.attention[k] * block.total[plan.walk_row[first + k]];
    if (relation.grad_attention)
      for (int64_t k = 0; k < sweep.n; k++)
        sweep.slope[k] += sweep.attention[k] * relation.grad_attention[relation.edge_id[plan.walk_edge[first + k]] * problem.heads + head];
    if (problem.shared_softmax)  // else the slopes of a destination sum to zero
      for (int64_t k = 0; k < sweep.n; k++) block.slopes[plan.walk_row[first + k]] += sweep.slope[k];
    sum_edge_slopes();
  }

  void sum_edge_slopes() {
    const int64_t width = relation.width;
    if (width == 1) {
      for (int64_t k = sweep.n; k % LANES; k++) sweep.slope[k] = 0;
      sums.edge_slopes[0] += dot(sweep.slope, sweep.attr.data(), (sweep.n + LANES - 1) / LANES * LANES);
    } else
      for (int64_t k = 0; k < sweep.n; k++)
        for (int64_t f = 0; f < width; f++) sums.edge_slopes[f] += sweep.slope[k] * sweep.attr[k * width + f];
  }

  void differentiate_score() {
    const float* att = relation.att + head * problem.padded;
    for (const BackwardSlice& s : slices)
      s.bend(sweep, plan, packed + s.feature, &block.x_dst[s.feature], edge_weight() + s.feature, att + s.feature, relation.width,
             problem.linear(), problem.bend(), problem.padded, &block.bends[s.feature], sums.src + s.feature,
             &att_part[s.feature], edge_part.data() + s.feature);
    if (relation.grad_edge_attr) differentiate_edge_attr();
  }

  // grad_edge_attr[head part]: sum over channels of slope * att * LeakyReLU' * edge_weight, edge by edge.
  void differentiate_edge_attr() {
    const int64_t width = relation.width, padded = problem.padded;
    const int32_t first = plan.run_begin[sweep.run_begin];
    Floats bends(padded);
    for (int64_t run = sweep.run_begin; run < sweep.run_end; run++) {
      const float* x = packed + plan.run_src[run] * padded;
      for (int32_t k = sweep.begin[run - sweep.run_begin]; k < sweep.begin[run - sweep.run_begin + 1]; k++) {
        const float* r = &block.x_dst[sweep.feature[k]];
        for (int64_t d = 0; d < padded; d++) bends[d] = x[d] + r[d];
        for (int64_t f = 0; f < width; f++)
          for (int64_t d = 0; d < padded; d++) bends[d] += sweep.attr[k * width + f] * edge_weight()[f * padded + d];
        for (int64_t d = 0; d < padded; d++) bends[d] = bends[d] > 0 ? constants.att_bend[d] : -constants.att_bend[d];
        for (int64_t f = 0; f < width; f++) {
          float slope = constants.edge_linear[f] + dot(bends.data(), edge_weight() + f * padded, padded);
          edge_attr_part[plan.walk_edge[first + k] * width + f] = sweep.slope[k] * slope;
        }
      }
    }
  }
  float* edge_attr_part;  // [n_edges][width] of this head

  void close_block(int64_t b) {
    const int64_t first = plan.block_row[b], rows = plan.block_row[b + 1] - first, padded = problem.padded;
    const float *att = relation.att + head * padded;
    for (int64_t row = 0; row < rows; row++) {
      const float *x = &block.x_dst[row * padded], *bends = &block.bends[row * padded];
      float* grad = row_grad + ((first + row) * problem.heads + head) * problem.channels;
      const float straight = problem.linear() * block.slopes[row];
      for (int64_t d = 0; d < padded; d += LANES) {
        const Vector leaky = straight - problem.bend() * load(bends + d);
        store(&att_part[d], load(&att_part[d]) + load(x + d) * leaky);
        store(&one_row[d], load(att + d) * leaky);
      }
      memcpy(grad, one_row.data(), problem.channels * 4);
    }
    for (int64_t d = 0; d < padded; d++) sums.att[d] += att_part[d];
    for (int64_t i = 0; i < relation.width * padded; i++) sums.edge_bends[i] += edge_part[i];
  }
  float* row_grad;        // [n_rows][heads][channels]
};

// Working memory of one relation's backward pass.
struct BackwardSpace {
  Floats src;                        // [heads][slots][padded]
  Floats row_grad;                   // [n_rows][heads][channels] where there are hubs
  Floats edge_attr;                  // [heads][n_edges][width] where asked for
  vector<Sums> sums;                 // [heads][groups]
};

static BackwardSpace backward_space(const Problem& problem, const Relation& relation) {
  const Plan& plan = *relation.plan;
  BackwardSpace space;
  space.src.resize(problem.heads * plan.n_slots() * problem.padded);
  if (plan.has_hubs) space.row_grad.resize(plan.n_rows * problem.heads * problem.channels);
  if (relation.grad_edge_attr) space.edge_attr.resize(problem.heads * plan.n_edges * relation.width);
  for (int64_t head = 0; head < problem.heads; head++)
    for (int64_t group = 0; group < plan.n_groups(); group++)
      space.sums.push_back(
          {&space.src[(head * plan.n_slots() + plan.group_slot[group]) * problem.padded], vector<double>(problem.padded),
           vector<double>(relation.width * problem.padded), vector<double>(relation.width)});
  return space;
}

static void collect_sources(const Problem& problem, const Relation& relation, const BackwardSpace& space) {
  const Plan& plan = *relation.plan;
#pragma omp for schedule(static) nowait
  for (int64_t source = 0; source < plan.n_src; source++)
    for (int64_t head = 0; head < problem.heads; head++) {
      float* grad = relation.grad_src + (source * problem.heads + head) * problem.channels;
      int32_t k = plan.src_slot_begin[source], end = plan.src_slot_begin[source + 1];
      if (k == end) memset(grad, 0, problem.channels * 4);
      for (bool first = true; k < end; k++, first = false) {
        const float* part = &space.src[(head * plan.n_slots() + plan.src_slot[k]) * problem.padded];
        if (first) memcpy(grad, part, problem.channels * 4);
        else add(grad, part, problem.channels);
      }
    }
}

static void collect_rows(const Problem& problem, const Relation& relation, const BackwardSpace& space) {
  const Plan& plan = *relation.plan;
  const int64_t size = problem.heads * problem.channels;
#pragma omp for schedule(static) nowait
  for (int64_t dst = 0; dst < plan.n_dst; dst++) {
    memset(relation.grad_dst + dst * size, 0, size * 4);
    for (int64_t row = plan.dst_row[dst]; row < plan.dst_row[dst + 1]; row++) add(relation.grad_dst + dst * size, &space.row_grad[row * size], size);
  }
}

static void collect_edge_attr(const Problem& problem, const Relation& relation, const BackwardSpace& space) {
  const int64_t n = relation.plan->n_edges, width = relation.width;
#pragma omp for schedule(static) nowait
  for (int64_t e = 0; e < n; e++)
    for (int64_t f = 0; f < width; f++) {
      float total = 0;
      for (int64_t head = 0; head < problem.heads; head++) total += space.edge_attr[(head * n + e) * width + f];
      relation.grad_edge_attr[relation.edge_id[e] * width + f] = total;
    }
}

// Gradients of the attention vector and of the edge features' projection, from the sums of all groups.
static void collect_parameters(const Problem& problem, const Relation& relation, const BackwardSpace& space) {
  const int64_t n_groups = relation.plan->n_groups(), padded = problem.padded, width = relation.width;
  for (int64_t head = 0; head < problem.heads; head++) {
    vector<double> grad(padded), bends(width * padded), slopes(width);
    for (int64_t group = 0; group < n_groups; group++) {
      const Sums& sums = space.sums[head * n_groups + group];
      for (int64_t d = 0; d < padded; d++) grad[d] += sums.att[d];
      for (int64_t i = 0; i < width * padded; i++) bends[i] += sums.edge_bends[i];
      for (int64_t f = 0; f < width; f++) slopes[f] += sums.edge_slopes[f];
    }
    for (int64_t f = 0; f < width; f++)
      for (int64_t d = 0; d < problem.channels; d++) {
        const double leaky = problem.linear() * slopes[f] - problem.bend() * bends[f * padded + d];
        const int64_t at = (head * width + f) * padded + d;
        grad[d] += relation.edge_weight[at] * leaky;
        relation.grad_edge_weight[(head * width + f) * problem.channels + d] = (float)(relation.att[head * padded + d] * leaky);
      }
    for (int64_t d = 0; d < problem.channels; d++) relation.grad_att[head * problem.channels + d] = (float)grad[d];
  }
}

static void run_backward(const Problem& problem) {
  vector<HeadConstants> constants;
  vector<BackwardSpace> spaces;
  for (int64_t r = 0; r < problem.n_relations; r++) {
    for (int64_t head = 0; head < problem.heads; head++) constants.push_back(head_constants(problem, problem.relations[r], head));
    spaces.push_back(backward_space(problem, problem.relations[r]));
  }
  const vector<Task> tasks = list_tasks(problem, [](const Plan& plan) { return plan.n_groups(); });
#pragma omp parallel num_threads(threads_for(problem))
  {
#pragma omp for schedule(dynamic, 1)
    for (size_t t = 0; t < tasks.size(); t++) {
      const Task& task = tasks[t];
      const Relation& relation = problem.relations[task.relation];
      const Plan& plan = *relation.plan;
      BackwardSpace& space = spaces[task.relation];
      auto work = std::make_unique<BackwardTask>(BackwardTask{
          problem, relation, plan, task.head, constants[task.relation * problem.heads + task.head],
          space.sums[task.head * plan.n_groups() + task.part], relation.packed + task.head * plan.n_src * problem.padded,
          cut_slices(problem.padded, [&](int64_t f, int64_t n) { return backward_slice(f, n, relation.width); })});
      work->sweep.attr.assign(SWEEP * relation.width, 0.f);
      work->edge_attr_part = space.edge_attr.data() + task.head * plan.n_edges * relation.width;
      work->row_grad = plan.has_hubs ? space.row_grad.data() : relation.grad_dst;
      memset(work->sweep.partial, 0, sizeof work->sweep.partial);
      work->run(task.part);
    }
    for (int64_t r = 0; r < problem.n_relations; r++) {
      collect_sources(problem, problem.relations[r], spaces[r]);
      if (problem.relations[r].plan->has_hubs) collect_rows(problem, problem.relations[r], spaces[r]);
      if (problem.relations[r].grad_edge_attr) collect_edge_attr(problem, problem.relations[r], spaces[r]);
    }
#pragma omp for schedule(dynamic, 1)
    for (int64_t r = 0; r < problem.n_relations; r++) collect_parameters(problem, problem.relations[r], spaces[r]);
  }
}
