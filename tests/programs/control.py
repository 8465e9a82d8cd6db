"""Programs that learn by acting: DQN, REINFORCE, PPO, on toy worlds in Python."""

from __future__ import annotations

import random
from collections import deque, namedtuple
from typing import Any

from tests.programs.base import initialise, numbers, parts, program


class Corridor:
    """Walk right along ten cells: a reward of one at the end, a small cost for each step."""

    def __init__(self) -> None:
        self.at = 4

    def reset(self) -> list[float]:
        self.at = 4
        return self.observe()

    def observe(self) -> list[float]:
        return [self.at / 10, 1 - self.at / 10, float(self.at % 2)]

    def step(self, action: int) -> tuple[list[float], float, bool]:
        self.at += 1 if action == 1 else -1
        return self.observe(), 1.0 if self.at >= 9 else -0.05, self.at in (0, 9)


@program(falls=False)
def deep_q_network(torch: Any) -> list[float]:
    """Replay of named tuples, a target network updated softly, targets masked where episodes end."""
    nn, optim = parts(torch, "nn", "optim")
    Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))
    rng = random.Random(3)

    class ReplayMemory:
        def __init__(self, capacity):
            self.memory = deque(maxlen=capacity)

        def push(self, *args):
            self.memory.append(Transition(*args))

        def sample(self, batch_size):
            return rng.sample(self.memory, batch_size)

        def __len__(self):
            return len(self.memory)

    def make():
        return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))

    device = torch.device(
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    policy_net, target_net = initialise(torch, make().to(device)), make().to(device)
    target_net.load_state_dict(policy_net.state_dict())
    optimizer = optim.AdamW(policy_net.parameters(), lr=1e-2, amsgrad=True)
    memory, env, losses = ReplayMemory(200), Corridor(), []

    def select_action(state, eps):
        if rng.random() > eps:
            with torch.no_grad():
                return policy_net(state).max(1).indices.view(1, 1)
        return torch.tensor([[rng.randrange(2)]], device=device, dtype=torch.long)

    def optimize_model(batch_size=16, gamma=0.9):
        if len(memory) < batch_size:
            return
        batch = Transition(*zip(*memory.sample(batch_size), strict=True))
        non_final_mask = torch.tensor(
            tuple(s is not None for s in batch.next_state), device=device, dtype=torch.bool
        )
        non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
        state_batch, action_batch, reward_batch = (
            torch.cat(batch.state),
            torch.cat(batch.action),
            torch.cat(batch.reward),
        )
        state_action_values = policy_net(state_batch).gather(1, action_batch)
        next_state_values = torch.zeros(batch_size, device=device)
        with torch.no_grad():
            next_state_values[non_final_mask] = target_net(non_final_next_states).max(1).values
        expected = (next_state_values * gamma) + reward_batch
        loss = nn.SmoothL1Loss()(state_action_values, expected.unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
        optimizer.step()
        losses.append(loss.item())

    for _episode in range(4):
        state = torch.tensor(env.reset(), dtype=torch.float32, device=device).unsqueeze(0)
        for _ in range(15):
            action = select_action(state, eps=0.5)
            observation, reward, done = env.step(action.item())
            reward = torch.tensor([reward], device=device)
            next_state = (
                None if done else torch.tensor(observation, dtype=torch.float32).unsqueeze(0)
            )
            memory.push(state, action, next_state, reward)
            state = next_state
            optimize_model()
            target, policy = target_net.state_dict(), policy_net.state_dict()
            for key in policy:
                target[key] = policy[key] * 0.05 + target[key] * (1 - 0.05)
            target_net.load_state_dict(target)
            if done:
                break
    return losses


@program(falls=False)
def reinforce(torch: Any) -> list[float]:
    """Log-probabilities gathered over an episode, returns standardised, one loss for all."""
    nn, F, optim, D = parts(torch, "nn", "nn.functional", "optim", "distributions")
    eps = torch.finfo(torch.float32).eps

    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.affine1, self.affine2 = nn.Linear(3, 16), nn.Linear(16, 2)
            self.saved_log_probs, self.rewards = [], []

        def forward(self, x):
            return F.softmax(self.affine2(F.relu(self.affine1(x))), dim=1)

    policy, env, history = initialise(torch, Policy()), Corridor(), []
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)
    draws = iter(numbers(torch, 200).sigmoid().tolist())
    for _ in range(5):
        state = env.reset()
        for _ in range(12):
            m = D.Categorical(policy(torch.tensor(state).float().unsqueeze(0)))
            assert m.sample().shape == (1,)
            action = (torch.tensor(next(draws)) < m.probs[..., 1].detach()).long()
            policy.saved_log_probs.append(m.log_prob(action))
            state, reward, done = env.step(action.item())
            policy.rewards.append(reward)
            if done:
                break
        R, policy_loss, returns = 0, [], deque()
        for r in policy.rewards[::-1]:
            R = r + 0.99 * R
            returns.appendleft(R)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + eps)
        for log_prob, R in zip(policy.saved_log_probs, returns, strict=True):
            policy_loss.append(-log_prob * R)
        optimizer.zero_grad()
        policy_loss = torch.cat(policy_loss).sum()
        policy_loss.backward()
        optimizer.step()
        del policy.rewards[:]
        del policy.saved_log_probs[:]
        history.append(policy_loss.item())
    return history


@program(falls=False)
def proximal_policy(torch: Any) -> list[float]:
    """PPO with a diagonal normal, generalised advantages, clipped ratio and value, an entropy bonus."""
    import numpy as np

    nn, optim = parts(torch, "nn", "optim")
    Normal = torch.distributions.normal.Normal

    def layer_init(layer, std=2**0.5, bias_const=0.0):
        torch.nn.init.orthogonal_(layer.weight, std)
        torch.nn.init.constant_(layer.bias, bias_const)
        return layer

    class Agent(nn.Module):
        def __init__(self):
            super().__init__()
            self.critic = nn.Sequential(
                layer_init(nn.Linear(3, 16)), nn.Tanh(), layer_init(nn.Linear(16, 1), std=1.0)
            )
            self.actor_mean = nn.Sequential(
                layer_init(nn.Linear(3, 16)), nn.Tanh(), layer_init(nn.Linear(16, 2), std=0.01)
            )
            self.actor_logstd = nn.Parameter(torch.zeros(1, np.prod((2,))))

        def get_action_and_value(self, x, action=None):
            mean = self.actor_mean(x)
            std = torch.exp(self.actor_logstd.expand_as(mean))
            probs = Normal(mean, std)
            if action is None:
                action = probs.sample()
            return action, probs.log_prob(action).sum(1), probs.entropy().sum(1), self.critic(x)

    agent = initialise(torch, Agent())
    optimizer = optim.Adam(agent.parameters(), lr=1e-2, eps=1e-5)
    steps, envs = 8, 4
    obs, actions = torch.zeros((steps, envs, 3)), torch.zeros((steps, envs, 2))
    logprobs, rewards, dones, values = (torch.zeros((steps, envs)) for _ in range(4))
    noise, world = numbers(torch, steps, envs, 2), numbers(torch, steps + 1, envs, 3, seed=1)
    for step in range(steps):
        obs[step] = world[step]
        dones[step] = torch.Tensor([float(step == 5)] * envs)
        with torch.no_grad():
            _, _, _, value = agent.get_action_and_value(world[step])
            action = agent.actor_mean(world[step]) + agent.actor_logstd.exp() * noise[step]
            _, logprob, _, _ = agent.get_action_and_value(world[step], action)
            values[step] = value.flatten()
        actions[step], logprobs[step] = action, logprob
        rewards[step] = torch.tensor(
            -(action - world[step, :, :2]).pow(2).sum(-1).cpu().numpy()
        ).view(-1)
    with torch.no_grad():
        next_value = agent.critic(world[-1]).reshape(1, -1)
        advantages = torch.zeros_like(rewards)
        lastgaelam = 0
        for t in reversed(range(steps)):
            nextnonterminal = 1.0 - (dones[t + 1] if t < steps - 1 else torch.zeros(envs))
            nextvalues = values[t + 1] if t < steps - 1 else next_value
            delta = rewards[t] + 0.99 * nextvalues * nextnonterminal - values[t]
            advantages[t] = lastgaelam = delta + 0.99 * 0.95 * nextnonterminal * lastgaelam
        returns = advantages + values
    b_obs, b_actions = obs.reshape((-1, 3)), actions.reshape((-1, 2))
    b_logprobs, b_adv, b_ret, b_val = (
        t.reshape(-1) for t in (logprobs, advantages, returns, values)
    )
    history, clip = [], 0.2
    b_inds = np.arange(steps * envs)
    for _ in range(3):
        for start in range(0, steps * envs, 16):
            mb = b_inds[start : start + 16]
            _, newlogprob, entropy, newvalue = agent.get_action_and_value(b_obs[mb], b_actions[mb])
            logratio = newlogprob - b_logprobs[mb]
            ratio = logratio.exp()
            with torch.no_grad():
                approx_kl = ((ratio - 1) - logratio).mean()
                clipfrac = ((ratio - 1.0).abs() > clip).float().mean().item()
            adv = b_adv[mb]
            adv = (adv - adv.mean()) / (adv.std() + 1e-8)
            pg_loss = torch.max(-adv * ratio, -adv * torch.clamp(ratio, 1 - clip, 1 + clip)).mean()
            newvalue = newvalue.view(-1)
            v_unclipped = (newvalue - b_ret[mb]) ** 2
            v_clipped = b_val[mb] + torch.clamp(newvalue - b_val[mb], -clip, clip)
            v_loss = 0.5 * torch.max(v_unclipped, (v_clipped - b_ret[mb]) ** 2).mean()
            loss = pg_loss - 0.01 * entropy.mean() + v_loss * 0.5
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
            history += [loss.item(), approx_kl.item(), clipfrac]
    y_pred, y_true = b_val.cpu().numpy(), b_ret.cpu().numpy()
    return [*history, float(1 - np.var(y_true - y_pred) / np.var(y_true))]
