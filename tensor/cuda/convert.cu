/* Conversion of any dtype to any other, and filling. */
#include "loops.cuh"


/* One element of `From`, loaded, as one of `To`. */
template <enum dtype To, enum dtype From> struct convert_body {
    convert_body(const struct scalar *) {}
    __device__ compute_of<To> operator()(compute_of<From> value) const
    {
        if constexpr (From == DTYPE_BOOL)
            return element_convert<To>((uint8_t)(value != 0));
        else
            return element_convert<To>(value);
    }
};

/* Elements of integers of the size of T's, which stand for those of any dtype of that size. */
template <class T> struct fill_body {
    T value;
    __device__ T operator()() const
    {
        return value;
    }
};

template <enum dtype To, enum dtype From> constexpr pointwise_run *convert_run()
{
    return run_pointwise<convert_body<To, From>, To, From>;
}

/* Between equal dtypes bits move unchanged: a NaN keeps its payload. */
template <enum dtype D> constexpr pointwise_run *move_run()
{
    return sizeof(storage_of<D>) == 1   ? convert_run<DTYPE_U8, DTYPE_U8>()
           : sizeof(storage_of<D>) == 2 ? convert_run<DTYPE_I16, DTYPE_I16>()
           : sizeof(storage_of<D>) == 4 ? convert_run<DTYPE_I32, DTYPE_I32>()
                                        : convert_run<DTYPE_I64, DTYPE_I64>();
}

template <enum dtype To, enum dtype From> constexpr pointwise_run *run_of()
{
    if constexpr (To == From)
        return move_run<To>();
    else
        return convert_run<To, From>();
}

int cuda_convert(enum dtype to, enum dtype from, const struct iter *iter, cuda_stream stream)
{
#define DTYPE(id, ...)                                                                                        \
    {run_of<DTYPE_##id, DTYPE_BOOL>(), run_of<DTYPE_##id, DTYPE_U8>(),  run_of<DTYPE_##id, DTYPE_I8>(),       \
     run_of<DTYPE_##id, DTYPE_I16>(),  run_of<DTYPE_##id, DTYPE_I32>(), run_of<DTYPE_##id, DTYPE_I64>(),      \
     run_of<DTYPE_##id, DTYPE_F16>(),  run_of<DTYPE_##id, DTYPE_BF16>(), run_of<DTYPE_##id, DTYPE_F32>(),     \
     run_of<DTYPE_##id, DTYPE_F64>()},
    static pointwise_run *const runs[DTYPE_COUNT][DTYPE_COUNT] = {
#include "dtype.def"
    };
#undef DTYPE
    return runs[to][from](iter, NULL, stream);
}

template <enum dtype D> static int fill(const void *value, const struct iter *iter, cuda_stream stream)
{
    struct pointwise_call call = pointwise_call_of<D>(iter);
    fill_body<storage_of<D>> body;
    memcpy(&body.value, value, sizeof body.value);
    return launch_pointwise<fill_body<storage_of<D>>, D>(body, &call, iter, stream);
}

int cuda_fill(const void *value, size_t bytes, const struct iter *iter, cuda_stream stream)
{
    return bytes == 1   ? fill<DTYPE_U8>(value, iter, stream)
           : bytes == 2 ? fill<DTYPE_I16>(value, iter, stream)
           : bytes == 4 ? fill<DTYPE_I32>(value, iter, stream)
                        : fill<DTYPE_I64>(value, iter, stream);
}
