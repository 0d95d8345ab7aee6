//! Tests of decisions: tables, whole lives in a model of the world, and random walks through it.

mod flow_test;
mod world;
