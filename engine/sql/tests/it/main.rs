//! What the compiler makes of whole texts: plans, graphs, identities, mistakes.

mod attacks;
mod identities;
mod mistakes;
mod plans;
mod support;
