"""Facts about models and providers, each with its source and date."""
