//! The rules of the house, checked as tests: see `tests/main.rs`. This library is empty; cargo wants one beside tests.
