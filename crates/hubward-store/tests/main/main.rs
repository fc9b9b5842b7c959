//! What the store promises, through its public interface.

mod damage;
mod grants;
mod kill;
mod model;
mod state;
