//! The token whose keys are in a store on this machine.
