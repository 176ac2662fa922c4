//! The aggregator: records are folded into rollups, and fresh rollups are tested against their baseline.
