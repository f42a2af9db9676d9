from datasets import load_dataset
from trl import RewardConfig, RewardTrainer

pairs = load_dataset("json", data_files="@SLUG@-trl.jsonl", split="train")
trainer = RewardTrainer(
    model="Qwen/Qwen3-0.6B",
    args=RewardConfig(output_dir="@SLUG@-reward-model"),  # without a GPU, also: use_cpu=True
    train_dataset=pairs.filter(lambda row: row["split"] == "train"),
    eval_dataset=pairs.filter(lambda row: row["split"] == "test"),
)
trainer.train()
