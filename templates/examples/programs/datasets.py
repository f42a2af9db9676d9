from datasets import load_dataset

pairs = load_dataset("json", data_files="@SLUG@-trl.jsonl", split="train")
train = pairs.filter(lambda row: row["split"] == "train")
test = pairs.filter(lambda row: row["split"] == "test")
print(train, test)
