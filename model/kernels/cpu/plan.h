// The order in which the kernels walk the edges of one relation; no arithmetic on features.
//
// Forward goes by destination: rows in tiles of about equal work, sources in blocks that fit the second-level cache.
// Backward goes through blocks of rows whose gradients fit the first-level cache, and inside a block by source, so
// that a source's features stay in registers over a run of edges. A row is a destination, or one piece of a hub.
// Nothing depends on the number of threads, so neither do the results.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "vector.h"

using std::vector;

// Where each destination's edges stand (see model/kernels/csr.py).
struct Csr {
  int64_t n_src, n_dst, n_edges;
  const int32_t *indptr, *src, *edge_id, *by_src, *src_indptr;
};

struct Plan {
  int64_t n_src, n_dst, n_edges, n_rows;

  // rows
  vector<int32_t> row_begin;    // [n_rows + 1] first edge
  vector<int32_t> row_dst;      // [n_rows]
  vector<int32_t> dst_row;      // [n_dst + 1] first row
  bool has_hubs;                // some destination has several rows

  // forward
  vector<int32_t> tile_row;     // [n_tiles + 1] first row
  int64_t n_source_blocks;
  vector<int32_t> block_edge;   // [n_source_blocks + 1][n_rows] first edge of a row in a block of sources

  // backward
  vector<int32_t> block_row;    // [n_blocks + 1] first row
  vector<int32_t> block_run;    // [n_blocks + 1] first run
  vector<int32_t> run_begin;    // [n_runs + 1] first edge, in the order of walk_edge
  vector<int32_t> run_src;      // [n_runs]
  vector<int32_t> run_slot;     // [n_runs] where the source's gradient gathers
  vector<int32_t> walk_edge;    // [n_edges] position in the CSR
  vector<uint16_t> walk_row;    // [n_edges] row, counted from the block's first
  vector<int32_t> group_block;  // [n_groups + 1] first block of what one task does for one head
  vector<int32_t> group_slot;   // [n_groups + 1] first slot
  vector<int32_t> src_slot_begin, src_slot;  // the slots of each source, in order of group

  int64_t n_tiles() const { return (int64_t)tile_row.size() - 1; }
  int64_t n_groups() const { return (int64_t)group_block.size() - 1; }
  int64_t n_slots() const { return group_slot.back(); }
};

constexpr int64_t SOURCE_BLOCK_BYTES = 512 << 10;  // half of a 1 MB second-level cache
constexpr int64_t ROW_BLOCK_BYTES = 24 << 10;      // three quarters of a 32 KB first-level cache
constexpr int64_t TILE_ROWS = 64;
constexpr int64_t MIN_PIECE = 2048;                // edges below which a destination is never cut
constexpr int64_t MIN_GROUP = 8192;                // edges that make a task worth its own sums
constexpr int64_t MAX_BLOCK_EDGES = 64 << 10;      // whose attention and features are read again and again
constexpr int64_t MAX_RUN = 128;                   // edges of one run: what the buffers of a sweep hold
constexpr int64_t TASKS = 64, GROUPS = 8;

INLINE void cut_rows(Plan& plan, const Csr& csr) {
  const int64_t cap = std::max(csr.n_edges / TASKS, MIN_PIECE);
  plan.dst_row.push_back(0);
  for (int64_t dst = 0; dst < csr.n_dst; dst++) {
    int64_t begin = csr.indptr[dst], end = csr.indptr[dst + 1], pieces = std::max<int64_t>(1, (end - begin + cap - 1) / cap);
    for (int64_t piece = 0; piece < pieces; piece++) {
      plan.row_begin.push_back((int32_t)(begin + (end - begin) * piece / pieces));
      plan.row_dst.push_back((int32_t)dst);
    }
    plan.dst_row.push_back((int32_t)plan.row_dst.size());
  }
  plan.row_begin.push_back((int32_t)csr.n_edges);
  plan.n_rows = (int64_t)plan.row_dst.size();
  plan.has_hubs = plan.n_rows != csr.n_dst;
}

INLINE void cut_tiles(Plan& plan, int64_t most_rows, vector<int32_t>& cuts, int64_t most_edges) {
  cuts.push_back(0);
  for (int64_t row = 0, first = 0; row < plan.n_rows; row++) {
    bool full = row - first + 1 >= most_rows || plan.row_begin[row + 1] - plan.row_begin[first] >= most_edges;
    if (full || row + 1 == plan.n_rows) cuts.push_back((int32_t)(first = row + 1));
  }
}

INLINE void cut_source_blocks(Plan& plan, const Csr& csr, int64_t row_bytes) {
  int64_t fitting = (csr.n_src * row_bytes + SOURCE_BLOCK_BYTES - 1) / SOURCE_BLOCK_BYTES;
  int64_t worthwhile = csr.n_edges / (8 * std::max<int64_t>(plan.n_rows, 1));  // 8 edges a row and block
  int64_t n = plan.n_source_blocks = std::max<int64_t>(1, std::min(fitting, worthwhile));
  plan.block_edge.resize((n + 1) * plan.n_rows);
  for (int64_t row = 0; row < plan.n_rows; row++) {
    const int32_t *begin = csr.src + plan.row_begin[row], *end = csr.src + plan.row_begin[row + 1];
    for (int64_t block = 0; block <= n; block++) {
      const int32_t* at = block == n ? end : std::lower_bound(begin, end, (int32_t)(csr.n_src * block / n));
      plan.block_edge[block * plan.n_rows + row] = (int32_t)(at - csr.src);
    }
  }
}

// Puts the edges in order of (block of rows, source) by a stable counting sort of the transpose.
INLINE void order_walk(Plan& plan, const Csr& csr) {
  const int64_t n_blocks = (int64_t)plan.block_row.size() - 1;
  vector<int32_t> dst_of(csr.n_edges), next(n_blocks), last_src(n_blocks, -1), run_length(n_blocks, 0);
  vector<int32_t> block_of_row(plan.n_rows);
  for (int64_t block = 0; block < n_blocks; block++) {
    next[block] = plan.row_begin[plan.block_row[block]];
    for (int32_t row = plan.block_row[block]; row < plan.block_row[block + 1]; row++) {
      block_of_row[row] = (int32_t)block;
      std::fill(&dst_of[0] + plan.row_begin[row], &dst_of[0] + plan.row_begin[row + 1], row);
    }
  }
  plan.walk_edge.resize(csr.n_edges);
  plan.walk_row.resize(csr.n_edges);
  for (int64_t k = 0; k < csr.n_edges; k++) {
    int32_t edge = csr.by_src[k], row = dst_of[edge], block = block_of_row[row], at = next[block]++;
    plan.walk_edge[at] = edge;
    plan.walk_row[at] = (uint16_t)(row - plan.block_row[block]);
  }
  plan.block_run.push_back(0);
  for (int64_t block = 0; block < n_blocks; block++) {
    int32_t begin = plan.row_begin[plan.block_row[block]], end = plan.row_begin[plan.block_row[block + 1]];
    for (int32_t at = begin, first = begin; at < end; at++) {
      int32_t source = csr.src[plan.walk_edge[at]];
      if (at == begin || source != plan.run_src.back() || at - first == MAX_RUN) {
        plan.run_src.push_back(source);
        plan.run_begin.push_back(first = at);
      }
    }
    plan.block_run.push_back((int32_t)plan.run_src.size());
  }
  plan.run_begin.push_back((int32_t)csr.n_edges);
}

// Cuts the blocks into `n` groups of about equal work; a group gives each source that it meets one slot.
INLINE void cut_groups(Plan& plan, int64_t n) {
  const int64_t n_blocks = (int64_t)plan.block_row.size() - 1;
  plan.group_block.assign(1, 0);
  for (int64_t block = 0; block < n_blocks; block++) {
    int64_t done = plan.row_begin[plan.block_row[block + 1]], groups = (int64_t)plan.group_block.size();
    if (block + 1 == n_blocks || done * n >= plan.n_edges * groups) plan.group_block.push_back((int32_t)block + 1);
  }
  plan.group_slot.assign(1, 0);
  plan.run_slot.resize(plan.run_src.size());
  vector<int32_t> slot_of(plan.n_src), met_by(plan.n_src, -1);
  int32_t n_slots = 0;
  for (int64_t group = 0; group < plan.n_groups(); group++) {
    for (int32_t run = plan.block_run[plan.group_block[group]]; run < plan.block_run[plan.group_block[group + 1]]; run++) {
      int32_t source = plan.run_src[run];
      if (met_by[source] != group) met_by[source] = (int32_t)group, slot_of[source] = n_slots++;
      plan.run_slot[run] = slot_of[source];
    }
    plan.group_slot.push_back(n_slots);
  }
}

INLINE void list_slots(Plan& plan) {
  vector<int32_t> slot_src(plan.n_slots());
  for (size_t run = 0; run < plan.run_src.size(); run++) slot_src[plan.run_slot[run]] = plan.run_src[run];
  plan.src_slot_begin.assign(plan.n_src + 1, 0);
  for (int32_t source : slot_src) plan.src_slot_begin[source + 1]++;
  for (int64_t j = 0; j < plan.n_src; j++) plan.src_slot_begin[j + 1] += plan.src_slot_begin[j];
  vector<int32_t> next(plan.src_slot_begin.begin(), plan.src_slot_begin.end() - 1);
  plan.src_slot.resize(slot_src.size());
  for (size_t slot = 0; slot < slot_src.size(); slot++) plan.src_slot[next[slot_src[slot]]++] = (int32_t)slot;
}

INLINE Plan make_plan(const Csr& csr, int64_t padded) {
  Plan plan{};
  plan.n_src = csr.n_src, plan.n_dst = csr.n_dst, plan.n_edges = csr.n_edges;
  cut_rows(plan, csr);
  cut_tiles(plan, TILE_ROWS, plan.tile_row, std::max<int64_t>(csr.n_edges / TASKS, 512));
  cut_source_blocks(plan, csr, padded * 4);
  // Features and gradients of a block's rows share the first-level cache; where the graph is so sparse that runs
  // would be single edges, larger blocks pay although they only fit the second level.
  int64_t rows = std::max<int64_t>(8, ROW_BLOCK_BYTES / (2 * 4 * padded));
  double density = (double)csr.n_edges / std::max(1.0, (double)csr.n_src * (double)csr.n_dst);
  if (rows * density < 1) rows *= 8;
  // Few rows make short runs, so only groups limit a block's edges, and the second-level cache that holds them.
  int64_t edges = std::min(std::max(csr.n_edges / GROUPS, MIN_GROUP), MAX_BLOCK_EDGES);
  cut_tiles(plan, std::min<int64_t>(rows, 65536), plan.block_row, edges);
  order_walk(plan, csr);
  int64_t groups = std::max<int64_t>(1, std::min(GROUPS, csr.n_edges / MIN_GROUP));
  for (cut_groups(plan, groups); groups > 2 && plan.n_slots() > std::max(2 * csr.n_src, csr.n_edges / 4);)
    cut_groups(plan, groups /= 2);
  list_slots(plan);
  return plan;
}

// Sorts edges by destination, then source; returns -1, or the position of an index out of range.
INLINE int64_t sort_edges(
    int64_t n_edges, const int64_t* src, const int64_t* dst, int64_t n_src, int64_t n_dst, int32_t* indptr,
    int32_t* sorted_src, int32_t* edge_id, int32_t* by_src, int32_t* src_indptr) {
  std::fill(indptr, indptr + n_dst + 1, 0);
  std::fill(src_indptr, src_indptr + n_src + 1, 0);
  for (int64_t e = 0; e < n_edges; e++) {
    if (src[e] < 0 || src[e] >= n_src || dst[e] < 0 || dst[e] >= n_dst) return e;
    src_indptr[src[e] + 1]++;
    indptr[dst[e] + 1]++;
  }
  for (int64_t j = 0; j < n_src; j++) src_indptr[j + 1] += src_indptr[j];
  for (int64_t i = 0; i < n_dst; i++) indptr[i + 1] += indptr[i];
  vector<int32_t> next_src(src_indptr, src_indptr + n_src), next_dst(indptr, indptr + n_dst), by_source(n_edges);
  for (int64_t e = 0; e < n_edges; e++) by_source[next_src[src[e]]++] = (int32_t)e;
  for (int64_t k = 0; k < n_edges; k++) {
    int32_t e = by_source[k], at = next_dst[dst[e]]++;
    sorted_src[at] = (int32_t)src[e];
    edge_id[at] = e;
    by_src[k] = at;
  }
  return -1;
}
