//! Tests of decisions: the fourteen rules, whole lives in a model of the world, and random walks through it.

mod certificates_test;
mod conditions_test;
mod flow_test;
mod plans_test;
mod recorded_test;
mod rule_06_test;
mod rule_14_test;
mod rules_01_and_04_test;
mod rules_02_03_and_05_test;
mod rules_07_and_10_test;
mod rules_08_and_09_test;
mod rules_11_to_13_test;
mod walk_test;
mod world;
