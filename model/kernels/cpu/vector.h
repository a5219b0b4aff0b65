// A portable vector of floats, as wide as the machine's registers; it holds no algorithm.
//
// It rests on the vector extensions that GCC and Clang share, so one source serves AVX-512, AVX2, NEON and machines
// that have none of them; the compiler's -m flags choose. Multiply and add contract to FMA where there is one.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#if defined(__AVX512F__)
#include <immintrin.h>
#define VECTOR_BYTES 64
#define VECTOR_REGISTERS 32
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define VECTOR_REGISTERS 16
#elif defined(__aarch64__)
#define VECTOR_BYTES 16
#define VECTOR_REGISTERS 32
#else
#define VECTOR_BYTES 16
#define VECTOR_REGISTERS 16
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef float Vector __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t IntVector __attribute__((vector_size(VECTOR_BYTES)));
typedef float UnalignedVector __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

constexpr int LANES = VECTOR_BYTES / 4;
// Vectors of one feature slice that stay in registers beside their sums (see Slice in attention.h).
constexpr int MAX_SLICE = VECTOR_REGISTERS == 32 ? 6 : 3;

INLINE Vector load(const float* p) { return *(const UnalignedVector*)p; }
INLINE void store(float* p, Vector v) { *(UnalignedVector*)p = v; }
INLINE Vector broadcast(float x) { return x - Vector{}; }  // x + 0 would be an addition: it makes -0 to 0
INLINE IntVector bits(Vector v) { return (IntVector)v; }
INLINE Vector absolute(Vector v) { return (Vector)(bits(v) & 0x7fffffff); }
// -value where `v` has its sign bit set, value elsewhere
INLINE Vector flip_where_negative(Vector value, Vector v) {
#if defined(__AVX512F__)  // one instruction, which compilers do not find
  return (Vector)_mm512_ternarylogic_epi32((__m512i)v, _mm512_set1_epi32(INT32_MIN), (__m512i)value, 0x6a);
#else
  return (Vector)((bits(v) & INT32_MIN) ^ bits(value));
#endif
}

// Memory that starts on a cache line, or every wide load and store of a row would touch two of them. New elements are
// left as they are unless a value is given.
template <class T>
struct OnCacheLines {
  using value_type = T;
  static constexpr std::align_val_t LINE{64};
  OnCacheLines() = default;
  template <class Other>
  OnCacheLines(const OnCacheLines<Other>&) {}
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), LINE)); }
  void deallocate(T* p, size_t) { ::operator delete(p, LINE); }
  template <class U>
  void construct(U* p) { ::new (static_cast<void*>(p)) U; }
  template <class U, class... Args>
  void construct(U* p, Args&&... args) { ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...); }
  bool operator==(const OnCacheLines&) const { return true; }
  bool operator!=(const OnCacheLines&) const { return false; }
};

using Floats = std::vector<float, OnCacheLines<float>>;

// Keeps a value in a register that the compiler would rather load again in an inner loop.
#if defined(__AVX__)
#define PIN(v) asm("" : "+v"(v))
#elif defined(__aarch64__)
#define PIN(v) asm("" : "+w"(v))
#else
#define PIN(v)
#endif

INLINE Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
INLINE Vector plus(Vector a, Vector b) { return a + b; }

INLINE bool any_above(Vector v, float limit) {
  IntVector above = v > limit;
#if defined(__AVX512F__)  // one instruction, which compilers do not find
  return _mm512_movepi32_mask((__m512i)above) != 0;
#else
  int32_t any = 0;
  for (int l = 0; l < LANES; l++) any |= above[l];
  return any != 0;
#endif
}

// Joins all lanes: halves, then quarters meet, so that log2(LANES) steps wait for each other and not LANES.
template <int STEP, int... L>
INLINE Vector swap_lanes(Vector v, std::integer_sequence<int, L...>) {
  return __builtin_shufflevector(v, v, (L ^ STEP)...);
}

template <int STEP = LANES / 2, class Join>
INLINE float join_lanes(Vector v, Join join) {
  Vector joined = join(v, swap_lanes<STEP>(v, std::make_integer_sequence<int, LANES>()));
  if constexpr (STEP > 1) return join_lanes<STEP / 2>(joined, join);
  return joined[0];
}

INLINE float sum(Vector v) { return join_lanes(v, plus); }
INLINE float largest(Vector v) { return join_lanes(v, maximum); }

// e^x for x <= 0 within about one unit in the last place; 0 stands for e^-87 and less; NaN stays NaN.
INLINE Vector exponential(Vector x) {
  const Vector rounder = broadcast(12582912.f);  // 1.5 * 2^23: adding it rounds to the nearest integer
  Vector n = x * 1.44269504088896341f + rounder - rounder;
  Vector r = x - n * 0.693359375f;  // log 2 in two parts (Cody and Waite)
  r = r - n * -2.12194440e-4f;
  Vector y = broadcast(1.9875691500e-4f);
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * (r * r) + (r + 1.f);
  Vector clamped = maximum(n, broadcast(-126.f));
  IntVector exponent = (__builtin_convertvector(clamped, IntVector) + 127) << 23;
  return (Vector)(bits(y * (Vector)exponent) & ~(x < -87.f));
}

// One step of sum_each: halves the blocks that belong to one vector, placing a's blocks before b's.
template <int HALF, int... L>
INLINE Vector fold(Vector a, Vector b, std::integer_sequence<int, L...>) {
  constexpr int BLOCKS = LANES / (2 * HALF);
  Vector low = __builtin_shufflevector(
      a, b, ((L / HALF) / BLOCKS * LANES + (L / HALF) % BLOCKS * 2 * HALF + L % HALF)...);
  Vector high = __builtin_shufflevector(
      a, b, ((L / HALF) / BLOCKS * LANES + (L / HALF) % BLOCKS * 2 * HALF + L % HALF + HALF)...);
  return low + high;
}

template <int HALF>
INLINE void fold_all(Vector* v, int n) {
  UNROLL for (int k = 0; k < n / 2; k++)
    v[k] = fold<HALF>(v[2 * k], v[2 * k + 1], std::make_integer_sequence<int, LANES>());
  if constexpr (HALF > 1) fold_all<HALF / 2>(v, n / 2);
}

// The sums of LANES vectors that stand one after another: lane k of the result is the sum of the k-th.
INLINE Vector sum_each(const float* vectors) {
  Vector v[LANES];
  UNROLL for (int k = 0; k < LANES; k++) v[k] = load(vectors + k * LANES);
  fold_all<LANES / 2>(v, LANES);
  return v[0];
}
