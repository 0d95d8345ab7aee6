//! Tests: sim.

mod model;
