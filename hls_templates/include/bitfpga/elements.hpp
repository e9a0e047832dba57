// The elements of samples, in memory or from a stream: one way to read and write both.
#pragma once
#include "bitfpga/types.hpp"

namespace bitfpga {

// What a stream's read() returns, as a value.
template <class Result>
struct ReadValue {
  using type = Result;
  using nothing = void;
};
template <class Value>
struct ReadValue<const Value&> : ReadValue<Value> {};

// Element `index` of all samples; a stream is read and written in this order.
template <class Value>
inline Value element(const Value* x, unsigned long index) {
  return x[index];
}
template <class In>
inline auto element(In& x, unsigned long) -> typename ReadValue<decltype(x.read())>::type {
  return x.read();
}
template <class Value>
inline void set_element(Value* y, unsigned long index, Value value) {
  y[index] = value;
}
template <class Out, class Value>
inline auto set_element(Out& y, unsigned long, Value value) -> decltype(y.write(value)) {
  y.write(value);
}

}  // namespace bitfpga
