"""Speech to text: utterance → transcript."""
