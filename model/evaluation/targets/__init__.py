"""Known targets held out and found again, by simple predictors and by attention that is fitted to the others."""
