"""The experiment itself: clips, questions, model, finetuning, evaluation. All that needs torch."""
