"""Both models together, as the service runs them: does the crop show the classifier what it was trained on?"""
