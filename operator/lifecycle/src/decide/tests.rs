//! Tests of decisions: the fourteen rules, whole lives in a model of the world, and random walks through it.

mod conditions_test;
mod flow_test;
mod rules_01_to_05_test;
mod rules_06_to_10_test;
mod rules_11_to_14_test;
mod walk_test;
mod world;
