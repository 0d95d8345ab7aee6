//! Random inputs against a naive model, with random batches, retractions, late rows, checkpoints, restores and parallelism; and the
//! proof that this suite would notice: every mutant of the testkit fails it.

mod case;
mod model;

use case::run;
use millstream_test_testkit::harness::{as_is, spilling};
use millstream_test_testkit::mutants::Mutant;

/// Enough that every feature meets every other one; some ten seconds on a busy machine.
const CASES: u64 = 1_000;

#[test]
fn operators_agree_with_the_model() {
    for seed in 0..CASES {
        if let Err(difference) = run(seed, as_is()) {
            panic!("seed {seed}: {difference}");
        }
    }
}

/// The same with a store behind the state: nothing stays in memory, a few groups do, most do.
#[test]
fn operators_that_spill_agree_with_the_model() {
    for seed in 0..CASES {
        let budget = [1, 3_000, 100_000][(seed % 3) as usize];
        if let Err(difference) = run(seed, spilling(budget)) {
            panic!("seed {seed}, {budget} bytes: {difference}");
        }
    }
}

#[test]
fn every_mutant_is_found() {
    for mutant in Mutant::ALL {
        let found = (0..CASES).find(|seed| run(*seed, mutant.wrap()).is_err());
        assert!(found.is_some(), "{mutant:?} passes {CASES} cases");
    }
}
