//! The door against the sandbox, in process and on a paused clock: what a platform would send, what comes back, and what the
//! account holds afterwards.

mod check;
mod dead_letters;
mod discover;
mod faults;
mod modes;
mod one_run;
mod package;
mod protocol;
mod spec;
mod states;
mod store;
mod streams;
mod whatever;
mod world;
